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
import { type BackoffOptions, sleep, type Transport } from '@trainyard/datasets/transfer'
import type { PlatformApi } from '../http/platform-api.ts'
import type { FetchProgress, OpenedDataset } from '../session/backend.ts'
import { createTrainerError } from '../util/create-trainer-error.ts'

export interface PlatformDatasetOptions {
  api: PlatformApi
  transport: Transport
  workDir: string
  /** `DATASET_CACHE_DIR`. Default: a cache in the work folder. */
  cacheDir?: string | undefined
  /** `DATASET_CACHE_FILLED_BY`. Default: `trainer`. */
  filledBy?: 'trainer' | 'platform' | undefined
  /** Maximum size of the cache, in bytes. Default: no limit. */
  maxBytes?: number | undefined
  versionHash?: string | undefined
  /** Whether the job has its own splits. Default false. */
  hasOwnSplits?: boolean | undefined
  /** Whether the job needs images without labels too. Default false. */
  withUnlabelled?: boolean | undefined
  onWarning: (message: string) => void
  backoff?: BackoffOptions | undefined
}

/** Delays between requests for the state of the platform's cache, in milliseconds. Each is longer than the last. */
const FIRST_PAUSE_MS = 20
const LAST_PAUSE_MS = 1000

/** The dataset of a job, in a cache that the platform fills or that the trainers of a machine share. */
export class PlatformDataset {
  readonly #options: PlatformDatasetOptions
  readonly #ownCacheDir: string
  readonly #cacheDir: string
  readonly #withUnlabelled: boolean
  readonly #hasOwnSplits: boolean
  readonly #entries: CacheEntry[] = []

  constructor(options: PlatformDatasetOptions) {
    this.#options = options
    this.#ownCacheDir = join(options.workDir, 'dataset-cache')
    this.#cacheDir = options.cacheDir ?? this.#ownCacheDir
    this.#withUnlabelled = options.withUnlabelled ?? false
    this.#hasOwnSplits = options.hasOwnSplits ?? false
  }

  async open(signal: AbortSignal, onProgress?: FetchProgress): Promise<OpenedDataset> {
    const { api, transport, backoff } = this.#options
    const fill: FillContext = {
      api,
      transport,
      signal,
      hasOwnSplits: this.#hasOwnSplits,
      isWhole: this.#withUnlabelled,
      backoff,
      onProgress,
    }
    const shared = this.#isFilledByPlatform ? await this.#requestFill({}, signal, onProgress) : undefined
    return shared === undefined ? await this.#openOwn(fill, signal) : await this.#openShared(shared, fill, signal)
  }

  /** Marks the cache entries as no longer in use. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#entries.map((entry) => entry.release()))
  }

  get #isFilledByPlatform(): boolean {
    return this.#options.filledBy === 'platform'
  }

  /**
   * Asks the platform to fill its cache, and waits for it. Returns undefined when the entry cannot be read here, for example
   * because the platform uses another version of this package or mounts another folder.
   */
  async #requestFill(
    request: CacheDatasetRequest,
    signal: AbortSignal,
    onProgress: FetchProgress = () => {},
  ): Promise<CacheEntry | undefined> {
    const { api, onWarning } = this.#options
    const body: CacheDatasetRequest = { ...request, all: this.#withUnlabelled ? true : undefined }
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(1.5 * pauseMs, LAST_PAUSE_MS)) {
      const answer = CachedDatasetState.parse(await api.call('POST', '/dataset/cache', { body, signal }))
      if (answer.state === 'failed') throw createTrainerError(answer)
      if (answer.state === 'ready') {
        const entry = await showEntry(this.#cacheDir, answer.folder.split('/')[0] ?? '')
        if (entry !== undefined) return this.#keep(entry)
        onWarning(
          `The platform has filled "${answer.folder}" of its dataset cache, but it cannot be read in "${this.#cacheDir}": downloading the dataset into the work folder`,
        )
        return undefined
      }
      onProgress(answer.files, answer.totalFiles)
      await sleep(pauseMs, { signal })
    }
  }

  async #openShared(entry: CacheEntry, fill: FillContext, signal: AbortSignal): Promise<OpenedDataset> {
    return {
      dir: entry.dir,
      index: await this.#withJobSplits(fill, entry.index),
      shareConversion: async ({ format }) => await this.#requestFill({ as: format }, signal),
    }
  }

  async #openOwn(context: FillContext, signal: AbortSignal): Promise<OpenedDataset> {
    const { maxBytes, onWarning } = this.#options
    const { key, isWhole } = await this.#findKey(signal)
    const fill: FillContext = { ...context, isWhole }
    // A cache that the platform fills is read-only.
    const cacheDir = this.#isFilledByPlatform ? this.#ownCacheDir : this.#cacheDir
    const cache = { cacheDir, signal, onWarning, maxBytes }
    const entry = this.#keep(
      await openCacheEntry({ ...cache, versionHash: key }, (target) => fillFromPlatform(fill, target)),
    )
    const index = await this.#withJobSplits(fill, entry.index)
    return {
      dir: entry.dir,
      index,
      shareConversion: async (choices, convert) => {
        const { openConversion } = await import('@trainyard/datasets/cache')
        try {
          return this.#keep(await openConversion({ ...cache, of: key, index, ...choices }, convert))
        } catch (error) {
          if (!isReadOnlyError(error)) throw error
          return undefined
        }
      },
    }
  }

  async #withJobSplits(fill: FillContext, index: CacheEntry['index']): Promise<CacheEntry['index']> {
    return this.#hasOwnSplits ? await applyJobSplits({ ...fill, hasOwnSplits: false }, index) : index
  }

  async #findKey(signal: AbortSignal): Promise<{ key: string; isWhole: boolean }> {
    const { api, versionHash } = this.#options
    if (versionHash !== undefined && !this.#withUnlabelled) return { key: versionHash, isWhole: false }
    return cacheKey(DatasetManifest.parse(await api.call('GET', '/dataset', { signal })), this.#withUnlabelled)
  }

  #keep<T extends CacheEntry>(entry: T): T {
    this.#entries.push(entry)
    return entry
  }
}
