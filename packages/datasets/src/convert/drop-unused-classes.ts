import type { DatasetReader } from '../record/record.ts'
import { LossCounter } from '../report/loss-counter.ts'

/**
 * The dataset without the classes that no annotation has (`__background__`, super-categories that a tool exported as
 * classes). Reads the dataset one more time. Optional, because dropping a class renumbers those after it.
 */
export async function dropUnusedClasses(reader: DatasetReader): Promise<DatasetReader> {
  const isUsed: boolean[] = []
  for await (const { annotations } of reader.images()) for (const { classId } of annotations) isUsed[classId] = true
  const { shared: _, losses: __, ...rest } = reader
  const losses = new LossCounter()
  const kept = reader.classes.filter(({ id }) => isUsed[id])
  for (const { id, name } of reader.classes) if (!isUsed[id]) losses.add('class-dropped', name)
  const numbers = new Map(kept.map(({ id }, number) => [id, number]))
  return {
    ...rest,
    classes: kept.map((info, id) => ({ ...info, id })),
    losses,
    async *images() {
      // Losses of the first pass are not counted twice.
      const before = reader.losses?.list() ?? []
      for await (const record of reader.images()) {
        const annotations = record.annotations.map((item) => ({ ...item, classId: numbers.get(item.classId) ?? 0 }))
        yield { ...record, annotations }
      }
      losses.merge(before)
    },
  }
}
