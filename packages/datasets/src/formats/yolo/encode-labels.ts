import type { TaskType } from '@trainyard/contract'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { WriteContext } from '../../writing/dataset-writer.ts'
import { encodeObb } from './encode-obb.ts'
import { encodeOutline } from './encode-outline.ts'
import { encodePose } from './encode-pose.ts'
import { LabelFile } from './label-file.ts'

export interface LabelEncoder {
  /**
   * Returns the label file of an image and the class of each row, valid until the next call. The sides of the image must be
   * known when it has annotations.
   */
  encode(record: ImageRecord, width: number, height: number): { bytes: Buffer; classIds: number[] }
}

/** Encodes label files for one task: rows of one kind, in order, and none that the loader refuses. */
export function createLabelEncoder(
  { options, report }: Pick<WriteContext, 'options' | 'report'>,
  keypointCount: number,
): LabelEncoder {
  const file = new LabelFile(options, report)
  const encodeAnnotation = chooseEncoder(options.task, keypointCount)
  return {
    encode(record, width, height) {
      file.start(record, width, height)
      for (const annotation of record.annotations) {
        if (annotation.isCrowd === true && options.crowd === 'skip') {
          file.lose('crowd-skipped')
          continue
        }
        const rows = file.classIds.length
        encodeAnnotation(file, annotation)
        if (file.classIds.length === rows) continue
        if (annotation.id !== undefined) file.lose('annotation-id-dropped')
        if (annotation.attributes !== undefined) file.lose('annotation-attributes-dropped')
        if (annotation.area !== undefined) file.lose('area-dropped')
      }
      return { bytes: file.buffer.bytes, classIds: file.classIds }
    },
  }
}

function chooseEncoder(task: TaskType, keypointCount: number): (file: LabelFile, annotation: Annotation) => void {
  switch (task) {
    case 'detection':
      return encodeBox
    case 'segmentation':
      return encodeOutline
    case 'obb':
      return encodeObb
    case 'pose':
      return (file, annotation) => encodePose(file, annotation, keypointCount)
    case 'classification':
      return () => {}
  }
}

function encodeBox(file: LabelFile, annotation: Annotation): void {
  const box = file.usableBox(annotation)
  if (box === undefined) return
  file.buffer.startRow(annotation.classId)
  file.addBox(box)
  if (annotation.obb !== undefined) file.lose('rotation-dropped')
  if (annotation.polygons !== undefined) file.lose('polygon-dropped')
  if (annotation.rle !== undefined) file.lose('mask-dropped')
  if (annotation.keypoints !== undefined) file.lose('keypoints-dropped')
  file.endRow(annotation.classId)
}
