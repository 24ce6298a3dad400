import type { DatasetClassInfo, DatasetReader, ImageRecord } from '../record/record.ts'

/**
 * The dataset with another list of classes. `newIds` holds the new id of each old one; objects of a class without one are
 * left out. `keep` decides about each image after that, given how many objects it had.
 */
export function withClasses(
  reader: DatasetReader,
  classes: readonly DatasetClassInfo[],
  newIds: ReadonlyMap<number, number>,
  keep: (record: ImageRecord, objectsBefore: number) => ImageRecord | undefined = (record) => record,
): DatasetReader {
  return {
    ...reader,
    classes: classes.map((info, id) => ({ ...info, id })),
    // Threads read the files again, without the edit.
    shared: undefined,
    async *images() {
      for await (const record of reader.images()) {
        const annotations = record.annotations.flatMap((item) => {
          const classId = newIds.get(item.classId)
          return classId === undefined ? [] : [{ ...item, classId }]
        })
        const kept = keep({ ...record, annotations }, record.annotations.length)
        if (kept !== undefined) yield kept
      }
    },
  }
}
