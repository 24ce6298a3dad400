import { type PolygonPart, type Ring, signedRingArea } from './polygon.ts'
import { type RunLengths, rleBox } from './rle.ts'

// Directions along the edges between pixels. A right turn gives the next one.
const RIGHT = 0
const STEP_X = [1, 0, -1, 0]
const STEP_Y = [0, 1, 0, -1]

/**
 * The outlines of a mask along the edges of its pixels, with their holes. Rasterising them gives the same pixels. Pixels
 * that only touch at a corner are separate parts.
 */
export function maskToParts(rle: RunLengths): PolygonPart[] {
  const box = rleBox(rle)
  if (box === undefined) return []
  const [left, top, width, height] = box
  const edges = findEdges(rle, left, top, width, height)
  const stride = width + 1
  const outers: { ring: Ring; area: number }[] = []
  const holes: { ring: Ring; x: number; y: number }[] = []
  for (let vertex = 0; vertex < edges.length; vertex++) {
    while ((edges[vertex] as number) !== 0) {
      const { ring, direction } = followEdges(edges, stride, vertex)
      const area = signedRingArea(ring)
      if (area > 0) outers.push({ ring, area })
      else {
        // The pixel to the right of the first edge belongs to the part with the hole. This is its middle.
        const right = (direction + 1) % 4
        const x = (vertex % stride) + ((STEP_X[direction] ?? 0) + (STEP_X[right] ?? 0)) / 2
        const y = Math.floor(vertex / stride) + ((STEP_Y[direction] ?? 0) + (STEP_Y[right] ?? 0)) / 2
        holes.push({ ring, x, y })
      }
    }
  }
  const parts = outers.map(({ ring, area }) => ({ outer: ring, holes: [] as Ring[], area }))
  for (const { ring, x, y } of holes) {
    let owner: (typeof parts)[number] | undefined
    for (const part of parts) {
      // Several parts can surround the pixel. It belongs to the smallest, which lies in a hole of the others.
      if ((owner === undefined || part.area < owner.area) && containsPoint(part.outer, x, y)) owner = part
    }
    owner?.holes.push(ring)
  }
  return parts.map((part) => ({
    outer: shift(part.outer, left, top),
    holes: part.holes.map((h) => shift(h, left, top)),
  }))
}

/** For each corner between pixels the directions of its outgoing edges, as bits. Set pixels are to the right of an edge. */
function findEdges(rle: RunLengths, left: number, top: number, width: number, height: number): Uint8Array {
  const stride = width + 2
  const pixels = new Uint8Array(stride * (height + 2)) // has a border of zeros
  let position = 0
  for (let index = 0; index < rle.counts.length; index++) {
    const end = position + (rle.counts[index] as number)
    if (index % 2 === 1) {
      for (; position < end; position++) {
        const x = Math.floor(position / rle.height) - left
        pixels[((position % rle.height) - top + 1) * stride + x + 1] = 1
      }
    }
    position = end
  }
  const edges = new Uint8Array((width + 1) * (height + 1))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y + 1) * stride + x + 1
      if (pixels[at] === 0) continue
      const corner = y * (width + 1) + x
      const below = corner + width + 1
      if (pixels[at - stride] === 0) edges[corner] = (edges[corner] ?? 0) | 1
      if (pixels[at + 1] === 0) edges[corner + 1] = (edges[corner + 1] ?? 0) | 2
      if (pixels[at + stride] === 0) edges[below + 1] = (edges[below + 1] ?? 0) | 4
      if (pixels[at - 1] === 0) edges[below] = (edges[below] ?? 0) | 8
    }
  }
  return edges
}

/** Follows and removes the edges of one ring. It turns right first, so that corners do not connect parts. */
function followEdges(edges: Uint8Array, stride: number, start: number): { ring: Ring; direction: number } {
  const ring: Ring = []
  let vertex = start
  let direction = RIGHT
  while (((edges[start] ?? 0) & (1 << direction)) === 0) direction++
  const first = direction
  do {
    ring.push(vertex % stride, Math.floor(vertex / stride))
    // Straight on while there is no other edge to turn to.
    do {
      edges[vertex] = (edges[vertex] ?? 0) & ~(1 << direction)
      vertex += (STEP_X[direction] ?? 0) + (STEP_Y[direction] ?? 0) * stride
    } while ((edges[vertex] ?? 0) === 1 << direction)
    const leaving = edges[vertex] ?? 0
    const right = (direction + 1) % 4
    const leftTurn = (direction + 3) % 4
    if ((leaving & (1 << right)) !== 0) direction = right
    else if ((leaving & (1 << leftTurn)) !== 0) direction = leftTurn
    // The start is the first corner of its ring in reading order, so the ring visits it once.
  } while (vertex !== start)
  return { ring, direction: first }
}

function containsPoint(ring: Ring, x: number, y: number): boolean {
  let isInside = false
  let previousX = ring[ring.length - 2] as number
  let previousY = ring[ring.length - 1] as number
  for (let index = 0; index < ring.length; index += 2) {
    const currentX = ring[index] as number
    const currentY = ring[index + 1] as number
    if (currentY > y !== previousY > y) {
      const crossing = currentX + ((previousX - currentX) * (y - currentY)) / (previousY - currentY)
      if (x < crossing) isInside = !isInside
    }
    previousX = currentX
    previousY = currentY
  }
  return isInside
}

function shift(ring: Ring, x: number, y: number): Ring {
  return ring.map((value, index) => value + (index % 2 === 0 ? x : y))
}
