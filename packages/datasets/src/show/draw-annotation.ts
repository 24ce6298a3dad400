import { findBox } from '../record/find-box.ts'
import type { Annotation, DatasetClassInfo } from '../record/record.ts'
import { colourOf, textOn, toCss } from './colours.ts'
import { drawMask } from './draw-mask.ts'
import { circle, LINE_HEIGHT, path, rectangle, text, textWidth } from './svg.ts'

const MAX_LABEL = 24
const WHITE = 'fill="#fff"'

/** An annotation as SVG: mask or polygons filled, rotated box or box as lines, keypoints with their skeleton. */
export function drawAnnotation(annotation: Annotation, info: DatasetClassInfo, scale: number): string {
  const colour = toCss(colourOf(info))
  const toSheet = (flat: readonly number[]) => flat.map((value) => value * scale)
  const { polygons, rle, obb, bbox, keypoints, kind } = annotation
  const thickness = annotation.isCrowd ? 0.8 : 1.6
  const line = (width: number) => `fill="none" stroke="${colour}" stroke-width="${width}"`
  const parts: string[] = []
  if (rle !== undefined) parts.push(drawMask(rle, colour, scale))
  if (polygons !== undefined) {
    const paint = `fill="${colour}" fill-opacity="0.38" stroke="${colour}" stroke-width="${thickness}"`
    parts.push(path(polygons.map(toSheet), true, paint))
  }
  if (obb !== undefined) {
    const corners = toSheet(obb)
    parts.push(path([corners], true, line(thickness)))
    // The first corner and the direction of the first side.
    parts.push(circle(corners[0] ?? 0, corners[1] ?? 0, 2.5, `fill="${colour}"`))
    parts.push(path([corners.slice(0, 4)], false, line(thickness * 1.8)))
  } else if (bbox !== undefined && polygons === undefined && rle === undefined) {
    const [x, y, width, height] = bbox
    parts.push(path([toSheet([x, y, x + width, y, x + width, y + height, x, y + height])], true, line(thickness)))
  }
  if (keypoints !== undefined) parts.push(drawKeypoints(toPoints(keypoints, scale), info, colour))
  if (kind === 'other') parts.push(drawOther(annotation, colour, toSheet))
  return parts.join('')
}

/** The class name on a plate of the class's colour, at the object's upper left corner; at `row` for the class of an image. */
export function drawLabel(
  annotation: Annotation,
  info: DatasetClassInfo,
  { width, scale }: { width: number; scale: number },
  row: number,
): string {
  const colour = colourOf(info)
  const name = labelOf(info)
  const box = findBox(annotation)
  const [left, top] = box ?? [0, 0]
  const plateWidth = textWidth(name) + 4
  // Moved to the left as far as it takes to show the whole name.
  const x = Math.round(Math.max(0, Math.min(left * scale, width - plateWidth)))
  const y = box === undefined ? row : Math.round(Math.max(0, top * scale - LINE_HEIGHT - 1))
  const paint = `fill="${toCss(colour)}" fill-opacity="0.9"`
  return rectangle(x, y, plateWidth, LINE_HEIGHT, paint) + text(x + 2, y, name, toCss(textOn(colour)))
}

/** The class name, shortened when it is long, with the class number when it is empty or not in Latin script. */
export function labelOf({ id, name }: DatasetClassInfo): string {
  const letters = [...name.trim()]
  const short = letters.length > MAX_LABEL ? `${letters.slice(0, MAX_LABEL - 1).join('')}…` : letters.join('')
  const isLatin = /^[\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]+$/u.test(short)
  return isLatin ? short : `#${id} ${short}`.trim()
}

interface Point {
  x: number
  y: number
  /** 0 not labelled, 1 occluded, 2 visible. */
  v: number
}

function toPoints(keypoints: readonly number[], scale: number): Point[] {
  return Array.from({ length: Math.floor(keypoints.length / 3) }, (_, index) => ({
    x: (keypoints[index * 3] ?? 0) * scale,
    y: (keypoints[index * 3 + 1] ?? 0) * scale,
    v: keypoints[index * 3 + 2] ?? 0,
  }))
}

/** Visible points are discs, occluded ones are rings. */
function drawKeypoints(points: readonly Point[], { skeleton = [] }: DatasetClassInfo, colour: string): string {
  const lines = skeleton.flatMap(([from, to]) => {
    const [a, b] = [points[from], points[to]]
    if (a === undefined || b === undefined || a.v === 0 || b.v === 0) return []
    return path([[a.x, a.y, b.x, b.y]], false, `stroke="${colour}" stroke-width="1.6"`)
  })
  const discs = points
    .filter(({ v }) => v !== 0)
    .map(
      ({ x, y, v }) =>
        circle(x, y, 3.6, WHITE) + circle(x, y, 2.8, `fill="${colour}"`) + (v === 1 ? circle(x, y, 1.4, WHITE) : ''),
    )
  return [...lines, ...discs].join('')
}

/** Lines and points that only one format can hold: they travel as attributes. */
function drawOther(
  { attributes = {} }: Annotation,
  colour: string,
  toSheet: (flat: readonly number[]) => number[],
): string {
  const { shape, polyline } = attributes
  const isShape = typeof shape === 'object' && shape !== null
  const points = isShape && 'points' in shape ? shape.points : (polyline ?? [])
  if (!Array.isArray(points) || !points.every(Number.isFinite)) return ''
  const flat = toSheet(points)
  const isPoints = isShape && 'type' in shape && /^points?$/.test(String(shape.type))
  const line = isPoints ? '' : path([flat], false, `fill="none" stroke="${colour}" stroke-width="1.6"`)
  const discs = Array.from({ length: Math.floor(flat.length / 2) }, (_, at) =>
    circle(flat[at * 2] ?? 0, flat[at * 2 + 1] ?? 0, isPoints ? 3 : 1.8, `fill="${colour}"`),
  )
  return line + discs.join('')
}
