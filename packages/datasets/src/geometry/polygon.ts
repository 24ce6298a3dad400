import { boxOfRings } from './box.ts'

/** A closed outline as flat `x, y, x, y, …` without the closing point. */
export type Ring = number[]

/** One connected piece of an object: an outline, and the holes in it. */
export interface PolygonPart {
  outer: Ring
  holes: Ring[]
}

/** The shoelace formula. Positive for a ring that runs clockwise on the screen (y points down). */
export function signedRingArea(ring: readonly number[]): number {
  const count = ring.length
  if (count < 6) return 0
  // Relative to the first point: far from the origin the products would lose precision.
  const originX = ring[0] as number
  const originY = ring[1] as number
  let doubled = 0
  let previousX = (ring[count - 2] as number) - originX
  let previousY = (ring[count - 1] as number) - originY
  for (let index = 0; index < count; index += 2) {
    const x = (ring[index] as number) - originX
    const y = (ring[index + 1] as number) - originY
    doubled += previousX * y - x * previousY
    previousX = x
    previousY = y
  }
  return doubled / 2
}

/** In square pixels. A signed area below it is a sliver, or one that cancelled out. */
const CANCELLED_AREA = 1e-6
/** Finding the crossings of a ring takes the square of its length. */
const MAX_CROSSING_NUMBERS = 4000

/**
 * The area inside a ring, in either direction. A ring that crosses itself can have two halves whose signed areas cancel out,
 * as a bow tie has: then the area that it fills counts, by the even-odd rule.
 */
export function ringArea(ring: readonly number[]): number {
  const area = Math.abs(signedRingArea(ring))
  return area > CANCELLED_AREA || ring.length > MAX_CROSSING_NUMBERS ? area : filledArea(ring)
}

/** The area that a ring fills by the even-odd rule: exact, by strips between the heights of its points and crossings. */
function filledArea(ring: readonly number[]): number {
  const edges: [x1: number, y1: number, x2: number, y2: number][] = []
  for (let at = 0; at + 1 < ring.length; at += 2) {
    const next = (at + 2) % ring.length
    edges.push([ring[at] as number, ring[at + 1] as number, ring[next] as number, ring[next + 1] as number])
  }
  const heights = new Set(edges.map(([, y]) => y))
  for (const [index, edge] of edges.entries()) {
    for (const other of edges.slice(index + 1)) {
      const y = crossingHeight(edge, other)
      if (y !== undefined) heights.add(y)
    }
  }
  const sorted = [...heights].sort((a, b) => a - b)
  let area = 0
  for (const [index, top] of sorted.entries()) {
    const bottom = sorted[index + 1]
    if (bottom === undefined) break
    const middle = (top + bottom) / 2
    const crossings = edges
      .filter(([, y1, , y2]) => Math.min(y1, y2) < middle && Math.max(y1, y2) > middle)
      .map(([x1, y1, x2, y2]) => x1 + ((middle - y1) / (y2 - y1)) * (x2 - x1))
      .sort((a, b) => a - b)
    for (let at = 0; at + 1 < crossings.length; at += 2)
      area += ((crossings[at + 1] as number) - (crossings[at] as number)) * (bottom - top)
  }
  return area
}

/** The height at which two edges cross. Undefined when they do not, or are parallel. */
function crossingHeight(
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  [x3, y3, x4, y4]: readonly [number, number, number, number],
): number | undefined {
  const determinant = (x2 - x1) * (y4 - y3) - (y2 - y1) * (x4 - x3)
  if (determinant === 0) return undefined
  const along = ((x3 - x1) * (y4 - y3) - (y3 - y1) * (x4 - x3)) / determinant
  const other = ((x3 - x1) * (y2 - y1) - (y3 - y1) * (x2 - x1)) / determinant
  return along > 0 && along < 1 && other > 0 && other < 1 ? y1 + along * (y2 - y1) : undefined
}

/** The ring in the other direction, with the same first point. */
export function reverseRing(ring: readonly number[]): Ring {
  const reversed: Ring = ring.slice(0, 2)
  for (let index = ring.length - 2; index >= 2; index -= 2) {
    reversed.push(ring[index] as number, ring[index + 1] as number)
  }
  return reversed
}

/** The ring clockwise on the screen: the same array when it is already. */
export function toClockwise(ring: Ring): Ring {
  return signedRingArea(ring) < 0 ? reverseRing(ring) : ring
}

/**
 * A ring without repeated points and without the closing point; the same array when there are none. Undefined for a ring
 * without an area: an odd number of coordinates, one that is not finite, fewer than three points, or all on a line.
 */
export function cleanRing(ring: Ring): Ring | undefined {
  const count = ring.length
  if (count < 6 || count % 2 !== 0) return undefined
  let repeats = 0
  let previousX = ring[count - 2] as number
  let previousY = ring[count - 1] as number
  for (let index = 0; index < count; index += 2) {
    const x = ring[index] as number
    const y = ring[index + 1] as number
    if (!Number.isFinite(x) || !Number.isFinite(y)) return undefined
    if (x === previousX && y === previousY) repeats++
    previousX = x
    previousY = y
  }
  const clean = repeats === 0 ? ring : withoutRepeats(ring)
  return clean.length >= 6 && ringArea(clean) > 0 ? clean : undefined
}

function withoutRepeats(ring: Ring): Ring {
  const clean: Ring = []
  for (let index = 0; index < ring.length; index += 2) {
    const x = ring[index] as number
    const y = ring[index + 1] as number
    if (clean.length === 0 || x !== clean.at(-2) || y !== clean.at(-1)) clean.push(x, y)
  }
  while (clean.length > 2 && clean[0] === clean.at(-2) && clean[1] === clean.at(-1)) clean.length -= 2
  return clean
}

/**
 * The part of a ring inside an image (Sutherland–Hodgman, side by side). Undefined when no area is left; the same array
 * when all of it is inside. A concave ring that leaves the image twice stays one outline, with edges along the border.
 */
export function clipRing(ring: Ring, imageWidth: number, imageHeight: number): Ring | undefined {
  let isInside = true
  for (let index = 0; index < ring.length; index += 2) {
    const x = ring[index] as number
    const y = ring[index + 1] as number
    if (!(x >= 0 && x <= imageWidth && y >= 0 && y <= imageHeight)) {
      isInside = false
      break
    }
  }
  if (isInside) return ring
  let clipped = clipToSide(ring, 0, 0, 1)
  clipped = clipToSide(clipped, 0, imageWidth, -1)
  clipped = clipToSide(clipped, 1, 0, 1)
  clipped = clipToSide(clipped, 1, imageHeight, -1)
  return cleanRing(clipped)
}

/** Keeps the part on the side `sign * (coordinate - limit) >= 0` of a line along an axis (0 for x, 1 for y). */
function clipToSide(ring: Ring, axis: 0 | 1, limit: number, sign: 1 | -1): Ring {
  const kept: Ring = []
  const count = ring.length
  if (count === 0) return kept
  let previousX = ring[count - 2] as number
  let previousY = ring[count - 1] as number
  let previousInside = sign * ((axis === 0 ? previousX : previousY) - limit) >= 0
  for (let index = 0; index < count; index += 2) {
    const x = ring[index] as number
    const y = ring[index + 1] as number
    const isInside = sign * ((axis === 0 ? x : y) - limit) >= 0
    if (isInside !== previousInside) {
      // The coordinate on the axis is the limit itself, so that rounding cannot move it out of the image.
      if (axis === 0) kept.push(limit, between(previousY, y, (limit - previousX) / (x - previousX)))
      else kept.push(between(previousX, x, (limit - previousY) / (y - previousY)), limit)
    }
    if (isInside) kept.push(x, y)
    previousX = x
    previousY = y
    previousInside = isInside
  }
  return kept
}

/** A point between two others. Rounding cannot move it beyond them. */
function between(from: number, to: number, share: number): number {
  const value = from + (to - from) * share
  return from < to ? Math.min(Math.max(value, from), to) : Math.min(Math.max(value, to), from)
}

/** The part of a ring inside a convex ring that is clockwise on the screen. Empty when there is none. */
export function clipRingToConvex(ring: Ring, convex: readonly number[]): Ring {
  let clipped = ring
  let fromX = convex.at(-2) as number
  let fromY = convex.at(-1) as number
  for (let corner = 0; corner < convex.length; corner += 2) {
    const toX = convex[corner] as number
    const toY = convex[corner + 1] as number
    clipped = clipToLine(clipped, fromX, fromY, toX - fromX, toY - fromY)
    fromX = toX
    fromY = toY
  }
  return clipped
}

function clipToLine(ring: Ring, originX: number, originY: number, deltaX: number, deltaY: number): Ring {
  const kept: Ring = []
  const count = ring.length
  if (count === 0) return kept
  const sideOf = (x: number, y: number) => deltaX * (y - originY) - deltaY * (x - originX)
  let previousX = ring[count - 2] as number
  let previousY = ring[count - 1] as number
  let previousSide = sideOf(previousX, previousY)
  for (let index = 0; index < count; index += 2) {
    const x = ring[index] as number
    const y = ring[index + 1] as number
    const side = sideOf(x, y)
    if (side >= 0 !== previousSide >= 0) {
      const share = previousSide / (previousSide - side)
      kept.push(previousX + (x - previousX) * share, previousY + (y - previousY) * share)
    }
    if (side >= 0) kept.push(x, y)
    previousX = x
    previousY = y
    previousSide = side
  }
  return kept
}

/** Outlines clockwise and holes counter-clockwise, so that {@link bridgeRings} joins them into one ring of the same area. */
export function orientParts(parts: readonly PolygonPart[]): Ring[] {
  return parts.flatMap(({ outer, holes }) => [
    toClockwise(outer),
    ...holes.map((hole) => (signedRingArea(hole) > 0 ? reverseRing(hole) : hole)),
  ])
}

interface Link {
  /** Squared length of the seam. */
  distance: number
  parent: number
  /** Point numbers at the two ends. */
  from: number
  to: number
}

/**
 * Joins rings into one with seams of no width, along the minimum spanning tree (Prim), so that the order of the parts
 * cannot put a seam across the object. Each ring keeps its direction.
 */
export function bridgeRings(rings: readonly Ring[]): Ring {
  const [first] = rings
  if (first === undefined) return []
  if (rings.length === 1) return first
  const boxes = rings.map((ring) => boxOfRings([ring]) ?? [0, 0, 0, 0])
  const best: Link[] = rings.map(() => ({ distance: Number.POSITIVE_INFINITY, parent: -1, from: 0, to: 0 }))
  const children: Link[][] = rings.map(() => [])
  const childRings: number[][] = rings.map(() => [])
  const waiting = new Set(rings.keys())
  let current = 0
  waiting.delete(current)
  while (waiting.size > 0) {
    let nearest = -1
    for (const candidate of waiting) {
      const link = best[candidate] as Link
      const a = boxes[current] as number[]
      const b = boxes[candidate] as number[]
      if (boxDistance(a, b) < link.distance) {
        updateLink(rings[current] as Ring, rings[candidate] as Ring, current, link)
      }
      if (nearest < 0 || link.distance < (best[nearest] as Link).distance) nearest = candidate
    }
    const link = best[nearest] as Link
    waiting.delete(nearest)
    children[link.parent]?.push(link)
    childRings[link.parent]?.push(nearest)
    current = nearest
  }
  return walkTree(rings, children, childRings)
}

function boxDistance(a: readonly number[], b: readonly number[]): number {
  const [ax = 0, ay = 0, aw = 0, ah = 0] = a
  const [bx = 0, by = 0, bw = 0, bh = 0] = b
  const gapX = Math.max(0, bx - (ax + aw), ax - (bx + bw))
  const gapY = Math.max(0, by - (ay + ah), ay - (by + bh))
  return gapX * gapX + gapY * gapY
}

function updateLink(from: Ring, to: Ring, parent: number, link: Link): void {
  for (let i = 0; i < from.length; i += 2) {
    const fromX = from[i] as number
    const fromY = from[i + 1] as number
    for (let j = 0; j < to.length; j += 2) {
      const x = (to[j] as number) - fromX
      const y = (to[j + 1] as number) - fromY
      const distance = x * x + y * y
      if (distance < link.distance) {
        link.distance = distance
        link.parent = parent
        link.from = i / 2
        link.to = j / 2
      }
    }
  }
}

/** Walks around the first ring; at each seam it follows the seam, walks around the other ring and returns. Not recursive. */
function walkTree(rings: readonly Ring[], children: readonly Link[][], childRings: readonly number[][]): Ring {
  const joined: Ring = []
  const seams = rings.map((_, index) => {
    const byPoint = new Map<number, { ring: number; to: number }[]>()
    for (const [at, link] of (children[index] ?? []).entries()) {
      const list = byPoint.get(link.from) ?? []
      list.push({ ring: childRings[index]?.[at] ?? 0, to: link.to })
      byPoint.set(link.from, list)
    }
    return byPoint
  })
  const stack: { ring: number; start: number; step: number; seam: number }[] = [{ ring: 0, start: 0, step: 0, seam: 0 }]
  for (;;) {
    const frame = stack.at(-1)
    if (frame === undefined) return joined
    const ring = rings[frame.ring] as Ring
    const count = ring.length / 2
    if (frame.step >= count) {
      // Back at the end of the seam. The first ring has no seam, and its closing point is implicit.
      if (stack.length > 1) joined.push(ring[frame.start * 2] as number, ring[frame.start * 2 + 1] as number)
      stack.pop()
      const parent = stack.at(-1)
      if (parent === undefined) continue
      const parentRing = rings[parent.ring] as Ring
      const at = ((parent.start + parent.step) % (parentRing.length / 2)) * 2
      joined.push(parentRing[at] as number, parentRing[at + 1] as number)
      continue
    }
    const point = (frame.start + frame.step) % count
    if (frame.seam === 0) joined.push(ring[point * 2] as number, ring[point * 2 + 1] as number)
    const seam = seams[frame.ring]?.get(point)?.[frame.seam]
    if (seam === undefined) {
      frame.step++
      frame.seam = 0
    } else {
      frame.seam++
      stack.push({ ring: seam.ring, start: seam.to, step: 0, seam: 0 })
    }
  }
}
