import { decodeMask } from '../geometry/rle.ts'
import { findBox } from '../record/find-box.ts'
import type { Annotation, DatasetClassInfo } from '../record/record.ts'
import type { Canvas, Colour } from './canvas.ts'
import { colourOf, textOn } from './colours.ts'
import { canDraw, LETTER_WIDTH, LINE_HEIGHT } from './font.ts'

const MAX_MASK_PIXELS = 200_000_000

/** Where an image lies on the sheet, and how much smaller. */
export interface Placement {
  x: number
  y: number
  /** On the sheet. */
  width: number
  scale: number
}

/** Draws all that an object carries: mask or polygons filled, turned box or box as lines, keypoints with their skeleton. */
export function drawAnnotation(canvas: Canvas, annotation: Annotation, info: DatasetClassInfo, place: Placement): void {
  const colour = colourOf(info)
  const toSheet = (flat: readonly number[]) =>
    flat.map((value, index) => (index % 2 === 0 ? place.x : place.y) + value * place.scale)
  const { polygons, rle, obb, bbox, keypoints, kind } = annotation
  const thickness = annotation.isCrowd ? 0.8 : 1.6
  if (rle !== undefined) drawMask(canvas, rle, colour, place)
  if (polygons !== undefined) {
    const rings = polygons.map(toSheet)
    canvas.fillRings(rings, colour, 0.38)
    for (const ring of rings) canvas.outline(ring, colour, thickness)
  }
  if (obb !== undefined) {
    const corners = toSheet(obb)
    canvas.outline(corners, colour, thickness)
    // The first corner and the way round can be told apart.
    canvas.disc(corners[0] ?? 0, corners[1] ?? 0, 2.5, colour)
    canvas.line(corners[0] ?? 0, corners[1] ?? 0, corners[2] ?? 0, corners[3] ?? 0, colour, thickness * 1.8)
  } else if (bbox !== undefined && polygons === undefined && rle === undefined) {
    const [x, y, width, height] = bbox
    canvas.outline(toSheet([x, y, x + width, y, x + width, y + height, x, y + height]), colour, thickness)
  }
  if (keypoints !== undefined) drawKeypoints(canvas, keypoints, info, colour, place)
  if (kind === 'other') drawOther(canvas, annotation, colour, toSheet)
}

/** The name on a plate of the class's colour, at the object's upper left corner; at `row` for the class of the image. */
export function drawLabel(
  canvas: Canvas,
  annotation: Annotation,
  info: DatasetClassInfo,
  place: Placement,
  row: number,
): void {
  const colour = colourOf(info)
  const text = labelOf(info)
  const [left, top] = findBox(annotation) ?? [0, row / place.scale]
  const width = text.length * LETTER_WIDTH + 3
  // As far to the left as it needs to be read.
  const x = Math.round(Math.max(place.x, Math.min(place.x + left * place.scale, place.x + place.width - width)))
  const above = place.y + top * place.scale - LINE_HEIGHT - 1
  const y = Math.round(findBox(annotation) === undefined ? place.y + row : Math.max(place.y, above))
  canvas.fillRectangle(x, y, width, LINE_HEIGHT + 1, colour, 0.9)
  canvas.text(x + 2, y + 1, text, textOn(colour))
}

/** The name; with its number where the font does not have all its letters. */
export function labelOf({ id, name }: DatasetClassInfo): string {
  const short = name.length > 24 ? `${name.slice(0, 22)}..` : name
  if (short !== '' && canDraw(short)) return short
  const drawn = [...short].filter(canDraw).join('').trim()
  return `#${id} ${drawn}`.trim()
}

function drawMask(
  canvas: Canvas,
  rle: NonNullable<Annotation['rle']>,
  colour: Colour,
  { x, y, scale }: Placement,
): void {
  // One that claims more than any image has is not drawn.
  if (rle.width * rle.height > MAX_MASK_PIXELS) return
  const { width, height, data } = decodeMask(rle)
  const isSet = (column: number, row: number) =>
    column >= 0 && row >= 0 && column < width && row < height && data[row * width + column] === 1
  for (let row = 0; row < height * scale; row++) {
    for (let column = 0; column < width * scale; column++) {
      const [at, line] = [Math.floor((column + 0.5) / scale), Math.floor((row + 0.5) / scale)]
      if (!isSet(at, line)) continue
      const step = Math.max(1, Math.round(1 / scale))
      const isEdge =
        !isSet(at - step, line) || !isSet(at + step, line) || !isSet(at, line - step) || !isSet(at, line + step)
      canvas.fillRectangle(
        Math.round(x) + column,
        Math.round(y) + row,
        1,
        1,
        colour,
        isEdge && scale <= 1 ? 0.95 : 0.42,
      )
    }
  }
}

/** Full discs are visible points, rings are occluded ones. */
function drawKeypoints(
  canvas: Canvas,
  keypoints: readonly number[],
  info: DatasetClassInfo,
  colour: Colour,
  place: Placement,
): void {
  const points = Array.from({ length: Math.floor(keypoints.length / 3) }, (_, index) => ({
    x: place.x + (keypoints[index * 3] ?? 0) * place.scale,
    y: place.y + (keypoints[index * 3 + 1] ?? 0) * place.scale,
    v: keypoints[index * 3 + 2] ?? 0,
  }))
  for (const [from, to] of info.skeleton ?? []) {
    const [a, b] = [points[from], points[to]]
    if (a === undefined || b === undefined || a.v === 0 || b.v === 0) continue
    canvas.line(a.x, a.y, b.x, b.y, colour, 1.6)
  }
  for (const { x, y, v } of points) {
    if (v === 0) continue
    canvas.disc(x, y, 3.6, [255, 255, 255])
    canvas.disc(x, y, 2.8, colour)
    if (v === 1) canvas.disc(x, y, 1.4, [255, 255, 255])
  }
}

/** Lines and points that only their own format has. */
function drawOther(
  canvas: Canvas,
  { attributes = {} }: Annotation,
  colour: Colour,
  toSheet: (flat: readonly number[]) => number[],
): void {
  const shape = attributes.shape
  const points =
    typeof shape === 'object' && shape !== null && 'points' in shape ? shape.points : (attributes.polyline ?? [])
  if (!Array.isArray(points) || !points.every((value) => typeof value === 'number')) return
  const flat = toSheet(points)
  const isPoints =
    typeof shape === 'object' && shape !== null && 'type' in shape && /^points?$/.test(String(shape.type))
  if (!isPoints) canvas.outline(flat, colour, 1.6, false)
  for (let index = 0; index + 1 < flat.length; index += 2)
    canvas.disc(flat[index] ?? 0, flat[index + 1] ?? 0, isPoints ? 3 : 1.8, colour)
}
