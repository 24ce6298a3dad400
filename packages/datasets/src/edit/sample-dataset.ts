import { createHash } from 'node:crypto'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetReader } from '../record/record.ts'
import { LossCounter } from '../report/loss-counter.ts'
import type { DatasetSample } from './dataset-edit.ts'

/** The dataset with only the images whose paths have the smallest hashes. Reads the dataset one more time. */
export async function sampleDataset(
  reader: DatasetReader,
  { count, seed = '' }: DatasetSample,
  signal?: AbortSignal,
): Promise<DatasetReader> {
  if (!(Number.isInteger(count) && count > 0))
    throw new DatasetError(`The number of images is ${count}; expected a whole number from 1`)
  let ranked: { path: string; rank: string }[] = []
  const keepBest = () => {
    ranked = ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, count)
  }
  for await (const { path } of reader.images()) {
    signal?.throwIfAborted()
    ranked.push({ path, rank: createHash('md5').update(`${seed}\0${path}`).digest('hex') })
    // Memory holds no more than twice what is taken.
    if (ranked.length >= count * 2) keepBest()
  }
  keepBest()
  const chosen = new Set(ranked.map(({ path }) => path))
  // Both passes count the losses of the reader: only those of the first are handed on.
  const before = reader.losses?.list() ?? []
  const losses = new LossCounter()
  return {
    ...reader,
    shared: undefined,
    losses,
    async *images() {
      for await (const record of reader.images()) if (chosen.has(record.path)) yield record
      losses.merge(before)
    },
  }
}
