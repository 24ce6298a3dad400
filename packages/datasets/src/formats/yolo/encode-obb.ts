import { maskToParts } from '../../geometry/mask-parts.ts'
import { clipObb, minAreaRect, rectify, rotatedBoxOfCorners } from '../../geometry/obb.ts'
import { ringArea } from '../../geometry/polygon.ts'
import type { Annotation } from '../../record/record.ts'
import { type LabelFile, ROUNDING_ERROR } from './label-file.ts'

/** A rotated box with a smaller share of its area in the image is dropped: its direction cannot be learned from it. */
const MIN_VISIBILITY = 0.1

/** Writes an object as a rotated box: its own, or the smallest one around its outline, or its upright box. */
export function encodeObb(file: LabelFile, annotation: Annotation): void {
  const corners = cornersOf(file, annotation)
  if (corners === undefined) return
  const { buffer, width, height } = file
  const clipped = clipObb(corners, width, height)
  if (clipped === undefined || clipped.visibility < MIN_VISIBILITY) {
    file.loseValue('annotation-outside-image', corners)
    return
  }
  const sides = rotatedBoxOfCorners(clipped.corners)
  const isThin = buffer.isFlat(Math.min(sides.width, sides.height) / Math.max(width, height))
  if (isThin || ringArea(clipped.corners) < file.options.minAreaPx) {
    file.loseValue('annotation-too-small', corners)
    return
  }
  if (clipped.isClipped && clipped.visibility < 1 - ROUNDING_ERROR) file.loseValue('obb-clipped', corners)
  if (annotation.keypoints !== undefined) file.lose('keypoints-dropped')
  buffer.startRow(annotation.classId)
  file.addRing(clipped.corners)
  file.endRow(annotation.classId)
}

function cornersOf(file: LabelFile, annotation: Annotation): number[] | undefined {
  const { obb, polygons, rle } = annotation
  if (obb !== undefined) {
    const rectified = rectify(obb)
    if (rectified === undefined) file.loseValue('annotation-invalid', obb)
    else if (rectified.isRefitted) file.loseValue('obb-refitted', obb)
    return rectified?.corners
  }
  const points = (polygons ?? (rle && maskToParts(rle).map(({ outer }) => outer)))?.flat()
  const fitted = points?.every(Number.isFinite) ? minAreaRect(points) : undefined
  if (fitted !== undefined) {
    file.lose(polygons === undefined ? 'mask-dropped' : 'polygon-dropped')
    file.lose('obb-refitted')
    return fitted
  }
  const box = file.usableBox(annotation)
  if (box === undefined) return undefined
  const [x, y, width, height] = box
  return [x, y, x + width, y, x + width, y + height, x, y + height]
}
