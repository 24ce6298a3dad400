import { ConfigError } from '@trainyard/contract/trainer-errors'

/** Options of {@link cleanDatasetCache}. */
export interface CleanDatasetCacheOptions {
  /** Default: `DATASET_CACHE_DIR`. */
  cacheDir?: string | undefined
  /**
   * Maximum size of the cache, in GB (10⁹ bytes). Default: `DATASET_CACHE_MAX_GB`; without it everything that is not in use is
   * removed.
   */
  maxGb?: number | undefined
  /** Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>> | undefined
}

/** The result of {@link cleanDatasetCache}. */
export interface CleanedDatasetCache {
  /** Version hashes of the datasets that were removed. */
  removed: string[]
  removedBytes: number
  keptBytes: number
}

/** Removes the least recently used datasets from the cache until it is within its limit. Never removes one in use. */
export async function cleanDatasetCache(options: CleanDatasetCacheOptions = {}): Promise<CleanedDatasetCache> {
  const { env = process.env } = options
  const cacheDir = options.cacheDir ?? env.DATASET_CACHE_DIR
  if (cacheDir === undefined || cacheDir === '')
    throw new ConfigError('DATASET_CACHE_DIR is not set; expected the folder of the dataset cache')
  const maxGb = options.maxGb ?? Number(env.DATASET_CACHE_MAX_GB ?? 0)
  if (!(maxGb >= 0)) {
    const seen =
      options.maxGb === undefined ? `DATASET_CACHE_MAX_GB is "${env.DATASET_CACHE_MAX_GB}"` : `maxGb is ${maxGb}`
    throw new ConfigError(`${seen}; expected a number of at least 0`)
  }
  const { pruneCache } = await import('@trainyard/datasets/cache')
  const { removed, keptBytes } = await pruneCache({ cacheDir, maxBytes: maxGb * 1e9 })
  return {
    removed: removed.map(({ versionHash }) => versionHash),
    removedBytes: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    keptBytes,
  }
}
