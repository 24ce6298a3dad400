import type { TargetFormat, TaskType } from '@trainyard/contract'
import { writeAs } from '../convert/write-as.ts'
import { createTransport } from '../transfer/transport.ts'
import { applyJobSplits } from './apply-job-splits.ts'
import { type CacheEntry, type OpenCacheEntryOptions, openCacheEntry } from './dataset-cache.ts'
import { type FillContext, fillFromPlatform } from './fill-from-platform.ts'
import { openConversion } from './open-conversion.ts'

export interface FillCacheOptions extends OpenCacheEntryOptions, Omit<FillContext, 'transport'> {
  /** Also convert the dataset: the format and task of the conversion. */
  as?: { format: TargetFormat; taskType: TaskType } | undefined
  signal: AbortSignal
}

/** Fills the cache for jobs that only read it: the entry of a dataset version and of its conversion. Returns the key of the last. */
export async function fillCache(options: FillCacheOptions): Promise<string> {
  const { versionHash, as, signal } = options
  const transport = createTransport()
  const context = { ...options, transport }
  try {
    const source = await openCacheEntry(options, (dir) => fillFromPlatform(context, dir))
    try {
      return as === undefined ? versionHash : await convert(source, as)
    } finally {
      await source.release()
    }
  } finally {
    transport.close()
  }

  async function convert({ dir: source, index: shared }: CacheEntry, choices: NonNullable<FillCacheOptions['as']>) {
    const index = options.hasOwnSplits ? await applyJobSplits({ ...context, hasOwnSplits: false }, shared) : shared
    const { format: to, taskType } = choices
    const made = await openConversion({ ...options, of: versionHash, index, ...choices }, (target) =>
      writeAs({ source, index, to, taskType, target, signal }),
    )
    await made.release()
    return made.key
  }
}
