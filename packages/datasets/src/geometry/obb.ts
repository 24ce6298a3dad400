import { boxOfPoints } from './box.ts'
import { clipRing, clipRingToConvex, type Ring, ringArea, toClockwise } from './polygon.ts'

/** Four corners, clockwise on the screen from the top-left one: 8 numbers. */
export type Corners = number[]

/** The corners of the hull of flat points, clockwise on the screen (Andrew's monotone chain). */
export function convexHull(points: readonly number[]): Ring {
  const order: [number, number][] = []
  for (let index = 0; index + 1 < points.length; index += 2) {
    order.push([points[index] as number, points[index + 1] as number])
  }
  order.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const lower = halfHull(order)
  const upper = halfHull(order.toReversed())
  return [...lower.slice(0, -1), ...upper.slice(0, -1)].flat()
}

function halfHull(points: readonly [number, number][]): [number, number][] {
  const chain: [number, number][] = []
  for (const [x, y] of points) {
    for (;;) {
      const b = chain.at(-1)
      const a = chain.at(-2)
      if (a === undefined || b === undefined) break
      if ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) > 0) break
      chain.pop()
    }
    chain.push([x, y])
  }
  return chain
}

/**
 * The smallest rectangle around flat points, in any direction: one of its sides lies on a side of the hull. Undefined
 * when all points are on a line.
 */
export function minAreaRect(points: readonly number[]): Corners | undefined {
  const hull = convexHull(points)
  let best: Corners | undefined
  let bestArea = Number.POSITIVE_INFINITY
  for (let index = 0; index < hull.length; index += 2) {
    const next = (index + 2) % hull.length
    const deltaX = (hull[next] as number) - (hull[index] as number)
    const deltaY = (hull[next + 1] as number) - (hull[index + 1] as number)
    const length = Math.hypot(deltaX, deltaY)
    if (length === 0) continue
    const frame = frameOf(hull, deltaX / length, deltaY / length)
    const area = (frame.u1 - frame.u0) * (frame.v1 - frame.v0)
    // A tiny difference is rounding. The first side wins, so that the result is stable.
    if (area < bestArea * (1 - 1e-12)) {
      best = cornersOf(frame)
      bestArea = area
    }
  }
  return best !== undefined && bestArea > 0 ? orderCorners(best) : undefined
}

/** A rectangle by its direction (a unit vector) and its extent along (u) and across (v) that direction. */
interface Frame {
  x: number
  y: number
  u0: number
  u1: number
  v0: number
  v1: number
}

function frameOf(points: readonly number[], x: number, y: number): Frame {
  const frame = {
    x,
    y,
    u0: Number.POSITIVE_INFINITY,
    u1: Number.NEGATIVE_INFINITY,
    v0: Number.POSITIVE_INFINITY,
    v1: Number.NEGATIVE_INFINITY,
  }
  for (let index = 0; index < points.length; index += 2) {
    const pointX = points[index] as number
    const pointY = points[index + 1] as number
    const u = pointX * x + pointY * y
    const v = pointY * x - pointX * y
    frame.u0 = Math.min(frame.u0, u)
    frame.u1 = Math.max(frame.u1, u)
    frame.v0 = Math.min(frame.v0, v)
    frame.v1 = Math.max(frame.v1, v)
  }
  return frame
}

function cornersOf({ x, y, u0, u1, v0, v1 }: Frame): Corners {
  const corner = (u: number, v: number) => [u * x - v * y, u * y + v * x]
  return [...corner(u0, v0), ...corner(u1, v0), ...corner(u1, v1), ...corner(u0, v1)]
}

/**
 * Sorts corners clockwise on the screen, starting at the top-left one: the one with the least `x + y`, and of two equal
 * ones the upper one. Tools write them in any order.
 */
export function orderCorners(corners: readonly number[]): Corners {
  const [centerX, centerY] = centerOf(corners)
  const points = [0, 2, 4, 6].map((index) => {
    const x = corners[index] as number
    const y = corners[index + 1] as number
    return { x, y, angle: Math.atan2(y - centerY, x - centerX) }
  })
  // y points down, so a growing angle is clockwise.
  points.sort((a, b) => a.angle - b.angle)
  const size = Math.hypot((corners[0] as number) - centerX, (corners[1] as number) - centerY)
  let first = 0
  for (const [index, point] of points.entries()) {
    const best = points[first] as { x: number; y: number }
    const difference = point.x + point.y - (best.x + best.y)
    const isNear = Math.abs(difference) <= size * 1e-9
    if (isNear ? point.y < best.y : difference < 0) first = index
  }
  return [0, 1, 2, 3].flatMap((step) => {
    const { x, y } = points[(first + step) % 4] as { x: number; y: number }
    return [x, y]
  })
}

function centerOf(corners: readonly number[]): [number, number] {
  let x = 0
  let y = 0
  for (let index = 0; index < corners.length; index += 2) {
    x += corners[index] as number
    y += corners[index + 1] as number
  }
  return [x / (corners.length / 2), y / (corners.length / 2)]
}

/** Whether four sorted corners are a rectangle, up to `tolerance` (a share of the diagonal, by default a thousandth). */
export function isRectangle(corners: readonly number[], tolerance = 1e-3): boolean {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0, x4 = 0, y4 = 0] = corners
  const diagonal = Math.hypot(x3 - x1, y3 - y1)
  const other = Math.hypot(x4 - x2, y4 - y2)
  const limit = tolerance * Math.max(diagonal, other)
  // The diagonals of a rectangle bisect each other and have the same length.
  return Math.hypot(x1 + x3 - x2 - x4, y1 + y3 - y2 - y4) / 2 <= limit && Math.abs(diagonal - other) <= limit
}

/** Sorts four corners in any order into a rectangle. `isRefitted` is true when they were not quite a rectangle. */
export function rectify(corners: readonly number[]): { corners: Corners; isRefitted: boolean } | undefined {
  if (corners.length !== 8 || !corners.every(Number.isFinite)) return undefined
  const ordered = orderCorners(corners)
  if (!(ringArea(ordered) > 0)) return undefined
  if (isRectangle(ordered)) return { corners: ordered, isRefitted: false }
  const fitted = minAreaRect(ordered)
  return fitted && { corners: fitted, isRefitted: true }
}

/** A rotated rectangle by its centre. `angle` is in degrees, clockwise on the screen. */
export interface RotatedBox {
  x: number
  y: number
  width: number
  height: number
  angle: number
}

/**
 * The corners of a box rotated clockwise by an angle in radians, starting at its own top-left corner. Most tools rotate about
 * the centre, Label Studio about the top-left corner of the unrotated box. `x` and `y` are the point of rotation.
 */
export function rotateCorners(
  { x, y, width, height }: Omit<RotatedBox, 'angle'>,
  radians: number,
  about: 'center' | 'top-left' = 'center',
): Corners {
  const [left, top] = about === 'center' ? [-width / 2, -height / 2] : [0, 0]
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)]
  const corner = (u: number, v: number) => [x + u * cos - v * sin, y + u * sin + v * cos]
  return [
    ...corner(left, top),
    ...corner(left + width, top),
    ...corner(left + width, top + height),
    ...corner(left, top + height),
  ]
}

/** Centre, sides and angle of sorted corners. The angle is that of the first side, above -90 and up to 90 degrees. */
export function rotatedBoxOfCorners(corners: readonly number[]): RotatedBox {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0] = corners
  const [x, y] = centerOf(corners)
  return {
    x,
    y,
    width: Math.hypot(x2 - x1, y2 - y1),
    height: Math.hypot(x3 - x2, y3 - y2),
    angle: wrapAngle((Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI),
  }
}

/** The same direction of a line, above -90 and up to 90 degrees. */
export function wrapAngle(angle: number): number {
  const wrapped = ((angle % 180) + 180) % 180
  return wrapped > 90 ? wrapped - 180 : wrapped
}

/** A rectangle fitted into an image. */
export interface ClippedObb {
  corners: Corners
  /** Share of the original area inside the image, from 0 to 1. */
  visibility: number
  isClipped: boolean
}

/**
 * Fits a rectangle into an image. Undefined when they do not overlap. Moving single corners would turn it into another
 * quadrilateral, so a new rectangle is fitted around the visible part. If that reaches out of the image too, the best by
 * intersection over union is used: the rectangle with its sides moved inwards, or an upright one.
 */
export function clipObb(corners: Corners, imageWidth: number, imageHeight: number): ClippedObb | undefined {
  const visible = clipRing(corners, imageWidth, imageHeight)
  if (visible === undefined) return undefined
  if (visible === corners) return { corners, visibility: 1, isClipped: false }
  const visibility = Math.min(1, ringArea(visible) / ringArea(corners))
  const fitted = minAreaRect(visible)
  if (fitted === undefined) return undefined
  if (sticksOut(fitted, imageWidth, imageHeight) <= 1e-6) {
    return { corners: clampCorners(fitted, imageWidth, imageHeight), visibility, isClipped: true }
  }
  const [left, top, width, height] = boxOfPoints(visible) ?? [0, 0, 0, 0]
  const upright = [left, top, left + width, top, left + width, top + height, left, top + height]
  let best = upright
  let bestOverlap = overlap(upright, visible)
  for (const candidate of [...drawIn(corners, imageWidth, imageHeight), ...drawIn(fitted, imageWidth, imageHeight)]) {
    const value = overlap(candidate, visible)
    if (value > bestOverlap) {
      best = candidate
      bestOverlap = value
    }
  }
  return { corners: clampCorners(orderCorners(best), imageWidth, imageHeight), visibility, isClipped: true }
}

/** How far the farthest corner is outside, in pixels. */
function sticksOut(corners: readonly number[], imageWidth: number, imageHeight: number): number {
  let farthest = 0
  for (let index = 0; index < corners.length; index++) {
    const value = corners[index] as number
    farthest = Math.max(farthest, -value, value - (index % 2 === 0 ? imageWidth : imageHeight))
  }
  return farthest
}

/** Moves corners that rounding left outside into the image. */
function clampCorners(corners: readonly number[], imageWidth: number, imageHeight: number): Corners {
  return corners.map((value, index) => Math.min(Math.max(value, 0), index % 2 === 0 ? imageWidth : imageHeight))
}

function overlap(rectangle: readonly number[], visible: Ring): number {
  const shared = ringArea(clipRingToConvex(visible, toClockwise([...rectangle])))
  return shared / (ringArea(rectangle) + ringArea(visible) - shared)
}

/**
 * Rectangles with the same direction inside the image. For each border of the image, the corner beyond it is moved back by
 * moving one of its two sides: sixteen combinations for four borders.
 */
function drawIn(corners: readonly number[], imageWidth: number, imageHeight: number): Corners[] {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = corners
  const length = Math.hypot(x2 - x1, y2 - y1)
  if (length === 0) return []
  const start = frameOf(corners, (x2 - x1) / length, (y2 - y1) / length)
  const borders = [
    { x: -1, y: 0, limit: 0 },
    { x: 1, y: 0, limit: imageWidth },
    { x: 0, y: -1, limit: 0 },
    { x: 0, y: 1, limit: imageHeight },
  ]
  const found: Corners[] = []
  for (let ways = 0; ways < 16; ways++) {
    const frame = { ...start }
    for (const [index, border] of borders.entries()) {
      // The direction of the border in the frame of the rectangle gives the corner that is farthest out.
      const alongU = border.x * frame.x + border.y * frame.y
      const alongV = border.y * frame.x - border.x * frame.y
      const u = alongU > 0 ? 'u1' : 'u0'
      const v = alongV > 0 ? 'v1' : 'v0'
      const excess = frame[u] * alongU + frame[v] * alongV - border.limit
      if (excess <= 0) continue
      const movesU = (ways & (1 << index)) !== 0
      const along = movesU ? alongU : alongV
      if (Math.abs(along) < 1e-9) {
        frame.u1 = frame.u0
        break
      }
      frame[movesU ? u : v] -= excess / along
    }
    if (frame.u1 > frame.u0 && frame.v1 > frame.v0) found.push(cornersOf(frame))
  }
  return found.filter((rectangle) => sticksOut(rectangle, imageWidth, imageHeight) <= 1e-6)
}
