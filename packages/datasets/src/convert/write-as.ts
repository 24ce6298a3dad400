import type { TargetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import { detectFormat } from '../open/detect-format.ts'
import type { Loss } from '../report/loss-counter.ts'

export interface WriteAsOptions {
  /** Folder of the dataset. */
  source: string
  index: DatasetIndex
  to: TargetFormat
  taskType: TaskType
  /** A new folder, or one with the same result from before. */
  target: string
  signal: AbortSignal
}

/**
 * Writes the dataset of a job in another format, with the splits of the index. Returns what the format could not hold.
 */
export async function writeAs({ source, index, to, taskType, target, signal }: WriteAsOptions): Promise<Loss[]> {
  if (to === 'imagefolder') {
    const { writeImageFolder } = await import('../formats/imagefolder/write.ts')
    await writeImageFolder(index, target, { signal })
    return []
  }
  const { convertDataset } = await import('./convert-dataset.ts')
  const { losses } = await convertDataset({
    source,
    target,
    to,
    signal,
    from: index.format ?? (await detectFormat(source, { signal })).format,
    task: taskType,
    // The same splits for every format, also for images without a split in the dataset.
    splits: new Map(index.samples.map(({ name, split }) => [name, split])),
  })
  return losses
}
