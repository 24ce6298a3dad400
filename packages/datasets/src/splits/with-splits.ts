import type { SplitName } from '@trainyard/contract'
import type { DatasetReader } from '../record/record.ts'

/** The same dataset with these splits; what is not in the map keeps its own. */
export function withSplits(reader: DatasetReader, splits: ReadonlyMap<string, SplitName>): DatasetReader {
  const { shared } = reader
  const all = shared?.splits === undefined ? splits : new Map([...shared.splits, ...splits])
  return {
    ...reader,
    ...(shared === undefined ? {} : { shared: { ...shared, splits: all } }),
    async *images() {
      for await (const record of reader.images()) yield { ...record, split: splits.get(record.path) ?? record.split }
    },
  }
}
