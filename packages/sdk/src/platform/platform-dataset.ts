import { join } from 'node:path'
import { type CacheDatasetRequest, CachedDatasetState, DatasetManifest } from '@trainyard/contract'
import {
  applyJobSplits,
  type CacheEntry,
  cacheKey,
  type FillContext,
  fillFromPlatform,
  isReadOnlyError,
  openCacheEntry,
  showEntry,
} from '@trainyard/datasets/cache'
import type { Transport } from '@trainyard/datasets/transfer'
import { type BackoffOptions, sleep } from '@trainyard/datasets/transfer'
import type { PlatformApi } from '../http/platform-api.ts'
import type { Backend, OpenedDataset } from '../session/backend.ts'
import { createTrainerError } from '../util/create-trainer-error.ts'

export interface PlatformDatasetOptions {
  api: PlatformApi
  transport: Transport
  workDir: string
  /** `DATASET_CACHE_DIR`. Default: a cache in the work folder. */
  cacheDir?: string | undefined
  /** `DATASET_CACHE_FILLED_BY`. Default: `trainer`. */
  filledBy?: 'trainer' | 'platform' | undefined
  /** What the whole cache may take, in bytes. Default: no limit. */
  maxBytes?: number | undefined
  versionHash?: string | undefined
  /** The job has splits of its own. */
  hasOwnSplits: boolean
  /** Images that nobody labelled are wanted too. */
  withUnlabelled: boolean
  onWarning: (message: string) => void
  backoff?: BackoffOptions
}

export interface PlatformDataset {
  open: Backend['openDataset']
  /** The job needs its entries no longer. */
  release(): Promise<void>
}

/** Between two questions whether the platform has filled its cache, in milliseconds; each pause is longer than the last. */
const FIRST_PAUSE_MS = 20
const LAST_PAUSE_MS = 1000

/** The dataset of a job: from the cache that the platform fills, or from one that its trainers fill for each other. */
export function createPlatformDataset(options: PlatformDatasetOptions): PlatformDataset {
  const { api, transport, workDir, filledBy = 'trainer', backoff, onWarning, withUnlabelled } = options
  const ownCacheDir = join(workDir, 'dataset-cache')
  const { cacheDir = ownCacheDir } = options
  const entries: CacheEntry[] = []
  const keep = <T extends CacheEntry>(entry: T): T => {
    entries.push(entry)
    return entry
  }

  return {
    async open(signal, onProgress) {
      const fill: FillContext = {
        ...{ api, transport, signal, hasOwnSplits: options.hasOwnSplits, isWhole: withUnlabelled },
        ...(backoff ? { backoff } : {}),
        ...(onProgress ? { onProgress } : {}),
      }
      const shown = filledBy === 'platform' ? await askPlatform({}, signal, onProgress) : undefined
      return shown === undefined ? await openFilledByUs(fill, signal) : await useShown(shown, fill, signal)
    },
    async release() {
      await Promise.allSettled(entries.map((entry) => entry.release()))
    },
  }

  /** Undefined where what the platform has filled is not what we find: another version of this package, another folder. */
  async function askPlatform(
    request: CacheDatasetRequest,
    signal: AbortSignal,
    onProgress: FillContext['onProgress'] = () => {},
  ): Promise<CacheEntry | undefined> {
    const body: CacheDatasetRequest = { ...request, ...(withUnlabelled ? { all: true } : {}) }
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(1.5 * pauseMs, LAST_PAUSE_MS)) {
      const answer = CachedDatasetState.parse(await api.call('POST', '/dataset/cache', { body, signal }))
      if (answer.state === 'failed') throw createTrainerError(answer)
      if (answer.state === 'ready') {
        const entry = await showEntry(cacheDir, answer.folder.split('/')[0] ?? '')
        if (entry !== undefined) return keep(entry)
        onWarning(
          `The platform has filled "${answer.folder}" of its dataset cache, and here, in "${cacheDir}", it cannot be read: the dataset is fetched into the work folder`,
        )
        return undefined
      }
      onProgress(answer.files, answer.totalFiles)
      await sleep(pauseMs, { signal })
    }
  }

  async function useShown({ dir, index: shared }: CacheEntry, fill: FillContext, signal: AbortSignal) {
    return {
      dir,
      index: await withJobSplits(fill, shared),
      shareConversion: async ({ format }) => await askPlatform({ as: format }, signal),
    } satisfies OpenedDataset
  }

  async function openFilledByUs(context: FillContext, signal: AbortSignal): Promise<OpenedDataset> {
    const { key, isWhole } = await findKey(signal)
    const fill = { ...context, isWhole }
    const cache = {
      // One that the platform fills is not ours to write to.
      cacheDir: filledBy === 'platform' ? ownCacheDir : cacheDir,
      ...{ signal, onWarning },
      ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
    }
    const { dir, index: shared } = keep(
      await openCacheEntry({ ...cache, versionHash: key }, (target) => fillFromPlatform(fill, target)),
    )
    const index = await withJobSplits(fill, shared)
    return {
      dir,
      index,
      async shareConversion(choices, convert) {
        const { openConversion } = await import('@trainyard/datasets/cache')
        try {
          return keep(await openConversion({ ...cache, of: key, index, ...choices }, convert))
        } catch (error) {
          if (!isReadOnlyError(error)) throw error
          return undefined
        }
      },
    }
  }

  async function withJobSplits(fill: FillContext, index: CacheEntry['index']) {
    return options.hasOwnSplits ? await applyJobSplits({ ...fill, hasOwnSplits: false }, index) : index
  }

  async function findKey(signal: AbortSignal): Promise<{ key: string; isWhole: boolean }> {
    const { versionHash } = options
    if (versionHash !== undefined && !withUnlabelled) return { key: versionHash, isWhole: false }
    return cacheKey(DatasetManifest.parse(await api.call('GET', '/dataset', { signal })), withUnlabelled)
  }
}
