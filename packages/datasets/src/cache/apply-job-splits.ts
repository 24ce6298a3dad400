import type { SplitName } from '@trainyard/contract'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import { type FillContext, listFiles } from './fill-from-platform.ts'

/** Replaces the splits of the dataset, which the cache stores, by those of a job. */
export async function applyJobSplits(context: FillContext, index: DatasetIndex): Promise<DatasetIndex> {
  const splits = new Map<string, SplitName>()
  for await (const { file } of listFiles(context)) if (file.split !== undefined) splits.set(file.path, file.split)
  const counts = { ...index.counts, splits: { train: 0, val: 0, test: 0 } }
  const samples = index.samples.map((sample) => {
    const split = splits.get(sample.name) ?? sample.split
    counts.splits[split]++
    return split === sample.split ? sample : { ...sample, split }
  })
  return { ...index, counts, samples, hasOwnSplits: false, hasOtherSplits: true }
}
