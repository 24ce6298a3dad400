/** The dataset cache as those see it who look after it: the commands, and the plain call. */
export { type CachedDataset, listCache } from './list-cache.ts'
export { type PruneCacheOptions, type PrunedCache, pruneCache } from './prune-cache.ts'
export { type DamagedFile, type VerifiedDataset, type VerifyCacheOptions, verifyCache } from './verify-cache.ts'
