import { cacheKey, holdEntry } from '@trainyard/datasets/cache'
import { TrainyardError } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { getDatasetManifest } from '../datasets/index.ts'
import type { FillError } from '../db/schema/cache-fills.ts'
import type { AttemptRef, DatasetCache } from '../launchers/launcher.ts'
import { type FillRequest, readKeysInUse, readRequests, requestId, updateRequest } from './fill-requests.ts'
import { FillRuns, type SourceKey } from './fill-runs.ts'

/** How often a fill is tried when its process dies, or when its entry is removed before it can be marked as in use. */
const MAX_TRIES = 3

/** An entry that is marked as in use until it is released. */
type HeldEntry = NonNullable<Awaited<ReturnType<typeof holdEntry>>>

/** The work for one request. */
interface Hold {
  /** Stops the work, and releases the entry. */
  release(): Promise<void>
}

/** Fills the dataset cache of this machine for trainers that only read it, and protects the entries that they use. */
export class CacheKeeper {
  readonly #context: RunnerContext
  readonly #cacheDir: string
  readonly #runs: FillRuns
  readonly #holds = new Map<string, Hold>()
  /** Keys of the entries that are being filled or checked. */
  readonly #keysInProgress = new Map<FillRequest, string>()
  /** Keys of conversions that were filled before, so that the next request for one needs no process to find it. */
  readonly #conversions = new Map<string, string>()
  #latest: readonly AttemptRef[] | undefined
  #updating: Promise<void> | undefined
  #isStopped = false

  constructor(context: RunnerContext, cache: DatasetCache) {
    this.#context = context
    this.#cacheDir = cache.dir
    const keysToKeep = async () => [...(await readKeysInUse(context)), ...this.#keysInProgress.values()]
    this.#runs = new FillRuns({ context, cache, keysToKeep })
  }

  /**
   * Sets the attempts that this runner supervises. Their requests are carried out in the background; the entries of
   * other attempts are released.
   */
  setAttempts(refs: readonly AttemptRef[]): void {
    this.#latest = refs
    this.#updating ??= this.#update()
      .catch((error: unknown) =>
        this.#context.logger.error({ err: error }, 'requests for cached datasets could not be read; trying again'),
      )
      .finally(() => {
        this.#updating = undefined
        // Set after the last iteration of the loop.
        if (this.#latest !== undefined && !this.#isStopped) this.setAttempts(this.#latest)
      })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#updating
    await Promise.all([...this.#holds.values()].map((hold) => hold.release()))
    this.#holds.clear()
    this.#runs.close()
  }

  async #update(): Promise<void> {
    const { logger } = this.#context
    while (this.#latest !== undefined && !this.#isStopped) {
      const refs = this.#latest
      this.#latest = undefined
      const requests = refs.length === 0 ? [] : await readRequests(this.#context, refs)
      const byId = new Map(requests.map((request) => [requestId(request), request]))
      for (const [id, hold] of this.#holds) {
        if (byId.has(id)) continue
        this.#holds.delete(id)
        hold.release().catch((error: unknown) => logger.warn({ err: error }, 'a cached dataset could not be released'))
      }
      for (const [id, request] of byId)
        if (request.state !== 'failed' && !this.#holds.has(id)) this.#holds.set(id, this.#startHold(id, request))
    }
  }

  #startHold(id: string, request: FillRequest): Hold {
    const released = new AbortController()
    const work = this.#holdOrFail(request, released.signal).catch((error: unknown) => {
      if (released.signal.aborted) return undefined
      this.#context.logger.warn({ err: error, ...refOf(request) }, 'a dataset could not be cached; trying again')
      this.#holds.delete(id)
      return undefined
    })
    return {
      async release() {
        released.abort(new Error('the attempt no longer needs its dataset'))
        await (await work)?.release()
      },
    }
  }

  async #holdOrFail(request: FillRequest, signal: AbortSignal): Promise<HeldEntry | undefined> {
    try {
      return await this.#hold(request, signal)
    } catch (error) {
      const failure = toFillError(error)
      if (failure === undefined || signal.aborted) throw error
      return await this.#fail(request, failure)
    }
  }

  /** Fills the entry, marks it as in use and reports it to the attempt. Undefined when it cannot be filled. */
  async #hold(request: FillRequest, signal: AbortSignal): Promise<HeldEntry | undefined> {
    // An earlier runner reported this entry, and the trainer may be reading it.
    const reported =
      request.key === null ? undefined : await holdEntry({ cacheDir: this.#cacheDir, key: request.key }, { signal })
    if (reported !== undefined) return reported
    const source = cacheKey(await getDatasetManifest(this.#context, request.snapshotId), request.whole)
    this.#keysInProgress.set(request, source.key)
    try {
      return await this.#holdFilled(request, source, signal)
    } finally {
      this.#keysInProgress.delete(request)
    }
  }

  async #holdFilled(request: FillRequest, source: SourceKey, signal: AbortSignal): Promise<HeldEntry | undefined> {
    const isSource = request.format === ''
    const entry = isSource ? source.key : [source.key, request.splitId, request.format, request.taskType].join(' ')
    let detail = 'it was removed before it could be used'
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const key = isSource ? source.key : this.#conversions.get(entry)
      const held = key === undefined ? undefined : await holdEntry({ cacheDir: this.#cacheDir, key }, { signal })
      if (key !== undefined && held !== undefined) {
        try {
          await updateRequest(this.#context, request, { state: 'ready', key })
          return held
        } catch (error) {
          await held.release()
          throw error
        }
      }
      const outcome = await this.#runs.join(entry, request, source, signal)
      if (outcome.type === 'failed') return await this.#fail(request, outcome.error)
      if (outcome.type === 'died') detail = `the process that fills it ended: ${outcome.detail}`
      else if (!isSource) this.#conversions.set(entry, outcome.key)
    }
    const message = `The dataset could not be cached in ${MAX_TRIES} tries: ${detail}`
    return await this.#fail(request, { errorType: 'ResourceError', message, retryable: true })
  }

  async #fail(request: FillRequest, error: FillError): Promise<undefined> {
    this.#context.logger.warn({ ...refOf(request), ...error }, 'a dataset cannot be cached')
    await updateRequest(this.#context, request, { state: 'failed', error: JSON.stringify(error) })
    return undefined
  }
}

const UNUSABLE_FOLDER = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EIO'])

/** The error to report to the trainer; undefined when a retry may help, for example after a lost database connection. */
function toFillError(error: unknown): FillError | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof TrainyardError && !error.retryable)
    return { errorType: 'DatasetError', message: error.message, retryable: false }
  if ('code' in error && UNUSABLE_FOLDER.has(String(error.code)))
    return {
      errorType: 'ResourceError',
      message: `The dataset cache cannot be used: ${error.message}`,
      retryable: true,
    }
  return undefined
}

function refOf({ jobId, attempt }: AttemptRef): AttemptRef {
  return { jobId, attempt }
}
