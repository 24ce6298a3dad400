import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { Annotation } from '../../record/record.ts'
import { type LabelFile, ROUNDING_ERROR } from './label-file.ts'

/** Writes the box and `keypointCount` keypoints of an object; missing keypoints are filled up with zeros. */
export function encodePose(file: LabelFile, annotation: Annotation, keypointCount: number): void {
  const { keypoints = [] } = annotation
  const count = keypoints.length / 3
  if (!Number.isInteger(count)) {
    file.loseValue('annotation-invalid', `${keypoints.length} keypoint numbers; expected three for each keypoint`)
    return
  }
  if (count > keypointCount) {
    throw new DatasetError(
      `Image "${file.path}" has an object with ${count} keypoints; expected at most ${keypointCount}, as in the rest of the dataset`,
    )
  }
  const box = file.usableBox(annotation)
  if (box === undefined) return
  file.buffer.startRow(annotation.classId)
  file.addBox(box)
  for (let index = 0; index < keypointCount * 3; index += 3)
    addKeypoint(file, keypoints[index] ?? 0, keypoints[index + 1] ?? 0, keypoints[index + 2] ?? 0)
  if (count < keypointCount) file.lose('keypoints-padded')
  if (annotation.polygons !== undefined) file.lose('polygon-dropped')
  if (annotation.rle !== undefined) file.lose('mask-dropped')
  if (annotation.obb !== undefined) file.lose('rotation-dropped')
  file.endRow(annotation.classId)
}

/** An unlabelled keypoint is three zeros: the loader refuses the whole image for a coordinate below zero. */
function addKeypoint(file: LabelFile, x: number, y: number, visibility: number): void {
  const { buffer, width, height } = file
  const isLabelled = visibility === 1 || visibility === 2
  const isInside =
    x >= -ROUNDING_ERROR && y >= -ROUNDING_ERROR && x <= width + ROUNDING_ERROR && y <= height + ROUNDING_ERROR
  if (isLabelled && !isInside) file.loseValue('keypoint-outside-image', [x, y])
  const isWritten = isLabelled && isInside
  buffer.addShare(isWritten ? x / width : 0)
  buffer.addShare(isWritten ? y / height : 0)
  buffer.addInteger(isWritten ? visibility : 0)
}
