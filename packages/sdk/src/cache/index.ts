/** The dataset cache as those see it who look after it: the commands, and the plain call. */
export { PROBLEM_TEXTS } from './find-damage.ts'
export { type CachedDataset, listCache } from './list-cache.ts'
export { pruneCache } from './prune-cache.ts'
export { verifyCache } from './verify-cache.ts'
