import { createHash } from 'node:crypto'
import type { DatasetCounts } from '@trainyard/contract'

/**
 * The key of a dataset version in the cache. Jobs share an entry with the labelled images. An entry with all images has
 * another key, unless all images are labelled.
 */
export function cacheKey(
  { versionHash, counts }: { versionHash: string; counts: Pick<DatasetCounts, 'images' | 'labelled'> },
  withUnlabelled: boolean,
): { key: string; isWhole: boolean } {
  if (!withUnlabelled || counts.labelled === counts.images) return { key: versionHash, isWhole: false }
  return { key: createHash('sha256').update(`${versionHash}:all`).digest('hex'), isWhole: true }
}
