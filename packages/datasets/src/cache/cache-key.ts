import { createHash } from 'node:crypto'
import type { DatasetCounts } from '@trainyard/contract'

/**
 * Under which key a dataset version is kept. Jobs share an entry with the labelled images; one with all of them is another
 * entry, where that makes a difference.
 */
export function cacheKey(
  { versionHash, counts }: { versionHash: string; counts: Pick<DatasetCounts, 'images' | 'labelled'> },
  withUnlabelled: boolean,
): { key: string; isWhole: boolean } {
  if (!withUnlabelled || counts.labelled === counts.images) return { key: versionHash, isWhole: false }
  return { key: createHash('sha256').update(`${versionHash}:all`).digest('hex'), isWhole: true }
}
