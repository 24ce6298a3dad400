import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { classesNamed } from './dataset-formats.ts'

/** A dataset in memory. */
export function memoryReader(
  records: readonly ImageRecord[],
  classes: readonly string[],
  more: Partial<DatasetReader> = {},
): DatasetReader {
  return {
    format: 'coco',
    taskType: 'detection',
    classes: classesNamed(...classes),
    async *images() {
      yield* records
    },
    ...more,
  }
}
