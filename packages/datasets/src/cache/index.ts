/**
 * The dataset cache: opening and filling entries, conversions as entries of their own, and maintenance.
 *
 * @module
 */

export { applyJobSplits } from './apply-job-splits.ts'
export { cacheKey } from './cache-key.ts'
export {
  type CacheEntry,
  holdEntry,
  isReadOnlyError,
  type OpenCacheEntryOptions,
  openCacheEntry,
  showEntry,
} from './dataset-cache.ts'
export { type FillCacheOptions, fillCache } from './fill-cache.ts'
export { type DatasetApi, type FillContext, fillFromPlatform } from './fill-from-platform.ts'
export { PROBLEM_TEXTS } from './find-damage.ts'
export { type CachedDataset, listCache } from './list-cache.ts'
export { type Hold, hold } from './lock.ts'
export { type OpenConversionOptions, openConversion } from './open-conversion.ts'
export { pruneCache } from './prune-cache.ts'
export { verifyCache } from './verify-cache.ts'
