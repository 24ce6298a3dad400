import { boxOfPoints } from '../../geometry/box.ts'
import { maskToParts } from '../../geometry/mask-parts.ts'
import { rectify } from '../../geometry/obb.ts'
import {
  bridgeRings,
  cleanRing,
  clipRing,
  orientParts,
  type PolygonPart,
  type Ring,
  ringArea,
} from '../../geometry/polygon.ts'
import type { Annotation } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import type { LabelFile } from './label-file.ts'

/** Writes the outline of an object, in one row or in one for each part. */
export function encodeOutline(file: LabelFile, annotation: Annotation): void {
  const parts = outlineOf(file, annotation)
  if (parts.length === 0) return
  if (annotation.obb !== undefined) file.lose('rotation-dropped')
  if (annotation.keypoints !== undefined) file.lose('keypoints-dropped')
  for (const ring of joinParts(file, parts)) {
    file.buffer.startRow(annotation.classId)
    file.addRing(ring)
    file.endRow(annotation.classId)
  }
}

/** The parts of an object inside the image. Empty, and counted, when nothing of it can be written. */
function outlineOf(file: LabelFile, annotation: Annotation): PolygonPart[] {
  const { polygons, rle } = annotation
  if (rle !== undefined && (polygons === undefined || annotation.kind === 'mask')) {
    const { width, height } = file
    if (rle.width !== width || rle.height !== height) {
      const sizes = `the mask is ${rle.width} × ${rle.height}, the image ${width} × ${height}`
      file.loseValue('mask-size-mismatch', sizes)
      return []
    }
    const parts = maskToParts(rle)
    if (parts.length === 0) file.loseValue('annotation-invalid', 'an empty mask')
    else file.lose('polygon-from-mask')
    return parts
  }
  return (polygons && clipPolygons(file, polygons)) ?? boxOutline(file, annotation)
}

/** Undefined when no ring has an area: then the box is written instead. */
function clipPolygons(file: LabelFile, polygons: readonly Ring[]): PolygonPart[] | undefined {
  const parts: PolygonPart[] = []
  let hasArea = false
  let isClipped = false
  let lostPart: LossReason | undefined
  for (const polygon of polygons) {
    const ring = cleanRing(polygon)
    if (ring === undefined) {
      file.loseValue('polygon-degenerate', polygon.slice(0, 12))
      continue
    }
    hasArea = true
    const clipped = clipRing(ring, file.width, file.height)
    if (clipped !== ring) isClipped = true
    if (clipped === undefined) lostPart ??= 'annotation-outside-image'
    else if (ringArea(clipped) < file.options.minAreaPx || isFlat(file, clipped)) lostPart = 'annotation-too-small'
    else parts.push({ outer: clipped, holes: [] })
  }
  if (!hasArea) return undefined
  if (parts.length === 0) file.lose(lostPart ?? 'annotation-too-small')
  else if (isClipped) file.lose('polygon-clipped')
  return parts
}

/** Whether rounding could turn the ring into a line. */
function isFlat({ buffer, width, height }: LabelFile, ring: Ring): boolean {
  const [, , ringWidth, ringHeight] = boxOfPoints(ring) ?? [0, 0, 0, 0]
  return buffer.isFlat(ringWidth / width) || buffer.isFlat(ringHeight / height)
}

/** A box as an outline of four corners: the loader misreads a file with rows of two kinds. */
function boxOutline(file: LabelFile, annotation: Annotation): PolygonPart[] {
  const corners = annotation.obb && rectify(annotation.obb)?.corners
  if (corners !== undefined) {
    const parts = clipPolygons(file, [corners]) ?? []
    if (parts.length > 0) file.lose('polygon-from-box')
    return parts
  }
  const box = file.usableBox(annotation)
  if (box === undefined) return []
  file.lose('polygon-from-box')
  const [x, y, width, height] = box
  return [{ outer: [x, y, x + width, y, x + width, y + height, x, y + height], holes: [] }]
}

/** One ring for each row, as `multiPart` says. */
function joinParts(file: LabelFile, parts: readonly PolygonPart[]): Ring[] {
  const [only] = parts
  if (only !== undefined && parts.length === 1 && only.holes.length === 0) return [only.outer]
  const { multiPart } = file.options
  let kept = parts
  if (parts.length > 1) {
    if (multiPart === 'largest') {
      kept = [parts.reduce((best, part) => (ringArea(part.outer) > ringArea(best.outer) ? part : best))]
      file.lose('polygon-part-dropped', parts.length - 1)
    } else file.lose(multiPart === 'split' ? 'polygon-split' : 'polygon-bridged')
  }
  const holes = kept.reduce((sum, part) => sum + part.holes.length, 0)
  file.lose('hole-bridged', holes)
  if (multiPart === 'split') return kept.map((part) => bridgeRings(orientParts([part])))
  return [bridgeRings(orientParts(kept))]
}
