import type { PredictedObject } from '@trainyard/contract'

export type Shape =
  | { kind: 'box'; x: number; y: number; width: number; height: number }
  | { kind: 'polygon'; points: string }
  | { kind: 'points'; points: [x: number, y: number][] }

/** Beyond this, coordinates are mistakes, and SVG would draw nothing useful. */
const MAX_COORDINATE = 1_000_000

/** What to draw for an object, in pixels of its picture. Classes without a place have nothing. */
export function shapesOf({ bbox, polygon, keypoints, obb }: PredictedObject): Shape[] {
  const shapes: Shape[] = []
  for (const outline of [polygon, obb]) {
    const points = pairsOf(outline)
    if (points.length > 2) shapes.push({ kind: 'polygon', points: points.map((point) => point.join(',')).join(' ') })
  }
  if (bbox?.every(isDrawable)) {
    const [x1, y1, x2, y2] = bbox
    if (x2 > x1 && y2 > y1) shapes.push({ kind: 'box', x: x1, y: y1, width: x2 - x1, height: y2 - y1 })
  }
  const points = keypointsOf(keypoints)
  if (points.length > 0) shapes.push({ kind: 'points', points })
  return shapes
}

const isDrawable = (value: number): boolean => Number.isFinite(value) && Math.abs(value) <= MAX_COORDINATE

function pairsOf(values: readonly number[] = []): [number, number][] {
  const pairs: [number, number][] = []
  for (let at = 0; at + 1 < values.length; at += 2) {
    const [x = Number.NaN, y = Number.NaN] = values.slice(at, at + 2)
    if (isDrawable(x) && isDrawable(y)) pairs.push([x, y])
  }
  return pairs
}

/** Pairs, or triples whose third value says whether the point is visible (0, 1 or 2, or a confidence); 0 hides it. */
function keypointsOf(values: readonly number[] = []): [number, number][] {
  const areTriples = values.length % 3 === 0 && values.every((value, at) => at % 3 !== 2 || (value >= 0 && value <= 2))
  if (!areTriples) return pairsOf(values)
  const visible = values.filter((_, at) => (values[at - (at % 3) + 2] ?? 0) > 0)
  return pairsOf(visible.filter((_, at) => at % 3 !== 2))
}
