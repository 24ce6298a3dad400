import type { DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import { detectFormat } from '../open/detect-format.ts'
import type { Loss } from '../report/loss-counter.ts'

export interface WriteAsOptions {
  /** Folder of the dataset. */
  source: string
  index: DatasetIndex
  to: DatasetFormat
  taskType: TaskType
  /** A new folder, or one in which the same was written before. */
  target: string
  signal: AbortSignal
}

/**
 * A job's dataset in another format, every image in the split that the index gives it. Answers what the format could not
 * carry.
 */
export async function writeAs({ source, index, to, taskType, target, signal }: WriteAsOptions): Promise<Loss[]> {
  if (to === 'imagefolder') {
    const { writeImageFolder } = await import('../formats/imagefolder/write.ts')
    await writeImageFolder(index, target, { signal })
    return []
  }
  const { convertDataset } = await import('./convert-dataset.ts')
  const { losses } = await convertDataset({
    ...{ source, target, to, signal },
    from: index.format ?? (await detectFormat(source, { signal })).format,
    task: taskType,
    // The same split for every format, also for images that the dataset puts in none.
    splits: new Map(index.samples.map(({ name, split }) => [name, split])),
  })
  return losses
}
