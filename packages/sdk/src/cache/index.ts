/**
 * The dataset cache, for those who look after it: the commands, the plain call, and servers that fill it for trainers which
 * only read it.
 *
 * @module
 */

export { cacheKey } from './cache-key.ts'
export { holdEntry } from './dataset-cache.ts'
export { type FillCacheOptions, fillCache } from './fill-cache.ts'
export { PROBLEM_TEXTS } from './find-damage.ts'
export { type CachedDataset, listCache } from './list-cache.ts'
export { pruneCache } from './prune-cache.ts'
export { verifyCache } from './verify-cache.ts'
