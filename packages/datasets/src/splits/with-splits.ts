import type { SplitName } from '@trainyard/contract'
import type { DatasetReader } from '../record/record.ts'

/** The same dataset with other splits, by path. Images that are not in the map keep theirs. */
export function withSplits(reader: DatasetReader, splits: ReadonlyMap<string, SplitName>): DatasetReader {
  const { shared } = reader
  const all = shared?.splits === undefined ? splits : new Map([...shared.splits, ...splits])
  return {
    ...reader,
    shared: shared && { ...shared, splits: all },
    async *images() {
      for await (const record of reader.images()) yield { ...record, split: splits.get(record.path) ?? record.split }
    },
  }
}
