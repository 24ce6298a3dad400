import type { cacheKey } from '@trainyard/datasets/cache'
import { abortable } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import type { DatasetCache } from '../launchers/launcher.ts'
import { answerFiller } from './answer-filler.ts'
import { type FillRequest, updateRequest } from './fill-requests.ts'
import { Fillers, type FillOutcome } from './fillers.ts'
import type { FillOrder } from './messages.ts'

/** The key of a dataset in its own format. */
export type SourceKey = ReturnType<typeof cacheKey>

/** One running fill and the requests that wait for it. */
interface Run {
  outcome: Promise<FillOutcome>
  waiting: Set<FillRequest>
  stop: AbortController
}

export interface FillRunsOptions {
  context: RunnerContext
  cache: DatasetCache
  /** Keys of entries that must not be removed to make space. */
  keysToKeep: () => Promise<string[]>
}

/** Running fills. Requests for the same entry share one. */
export class FillRuns {
  readonly #context: RunnerContext
  readonly #cache: DatasetCache
  readonly #keysToKeep: () => Promise<string[]>
  readonly #fillers: Fillers
  readonly #runs = new Map<string, Run>()

  constructor({ context, cache, keysToKeep }: FillRunsOptions) {
    this.#context = context
    this.#cache = cache
    this.#keysToKeep = keysToKeep
    this.#fillers = new Fillers(cache.dir)
  }

  /**
   * Waits for the fill of an entry, and starts it for the first request. It is stopped when no request waits for it any
   * more. Throws the signal's reason when this request stops waiting.
   */
  async join(entry: string, request: FillRequest, source: SourceKey, signal: AbortSignal): Promise<FillOutcome> {
    const run = this.#runs.get(entry) ?? this.#start(entry, request, source)
    run.waiting.add(request)
    try {
      return await abortable(run.outcome, signal)
    } finally {
      run.waiting.delete(request)
      if (run.waiting.size === 0) {
        // The next request starts another run, which uses the files that exist.
        this.#runs.delete(entry)
        run.stop.abort(new Error('no job waits for this dataset any more'))
      }
    }
  }

  close(): void {
    this.#fillers.close()
  }

  #start(entry: string, request: FillRequest, source: SourceKey): Run {
    const stop = new AbortController()
    const waiting = new Set<FillRequest>()
    const run: Run = { outcome: this.#fill(request, source, waiting, stop.signal), waiting, stop }
    this.#runs.set(entry, run)
    return run
  }

  async #fill(
    request: FillRequest,
    source: SourceKey,
    waiting: ReadonlySet<FillRequest>,
    signal: AbortSignal,
  ): Promise<FillOutcome> {
    const { logger, store } = this.#context
    const { jobId, attempt, format, taskType, splitId } = request
    const startedAt = performance.now()
    const order: FillOrder = {
      type: 'fill',
      cacheDir: this.#cache.dir,
      key: source.key,
      isWhole: source.isWhole,
      hasOwnSplits: splitId !== null,
      as: format === '' ? undefined : { format, taskType },
      maxBytes: this.#cache.maxGb * 1e9,
      keep: await this.#keysToKeep(),
    }
    // Signed URLs for this machine rather than for trainers.
    const context = { ...this.#context, store: store.nearby ?? store }
    const outcome = await this.#fillers.fill({
      order,
      signal,
      answer: (path) => answerFiller(context, request, path),
      onProgress: (files, totalFiles) => void this.#reportProgress(waiting, files, totalFiles),
      onWarning: (message) => logger.warn({ jobId, attempt }, message),
    })
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10
    if (outcome.type === 'done') logger.info({ key: outcome.key, format, seconds }, 'dataset cached')
    return outcome
  }

  async #reportProgress(waiting: ReadonlySet<FillRequest>, files: number, totalFiles: number): Promise<void> {
    try {
      for (const request of waiting) await updateRequest(this.#context, request, { files, total_files: totalFiles })
    } catch (error) {
      this.#context.logger.debug({ err: error }, 'the progress of a fill could not be stored')
    }
  }
}
