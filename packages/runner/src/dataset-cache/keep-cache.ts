import { cacheKey, holdEntry } from '@trainyard/datasets/cache'
import { TrainyardError } from '@trainyard/platform'
import type { Updateable } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { getDatasetManifest } from '../datasets/index.ts'
import type { CacheFillsTable, FillError } from '../db/schema/cache-fills.ts'
import type { AttemptRef, DatasetCache } from '../launchers/launcher.ts'
import { answerFiller } from './answer-filler.ts'
import { createFillers, type FillOutcome } from './fillers.ts'
import type { FillOrder } from './messages.ts'
import { readKeysInUse, readWishes, type Wish, wishId } from './read-wishes.ts'

/** Fills the dataset cache of this machine for trainers that only read it, and keeps what they use. */
export interface CacheKeeper {
  /** Which attempts this runner looks after. Their wishes are fulfilled beside the caller, what others had is let go. */
  look(refs: readonly AttemptRef[]): void
  stop(): Promise<void>
}

/** How often the same fill may die without a word, or be gone again before somebody could hold it. */
const MAX_TRIES = 3

interface Fulfilment {
  /** Says that the attempt needs it no longer. */
  leave(): Promise<void>
}

type SourceKey = ReturnType<typeof cacheKey>

/** One process that fills, and who waits for it. */
interface Run {
  outcome: Promise<FillOutcome>
  waiting: Set<Wish>
  stop: AbortController
}

export function createCacheKeeper(context: RunnerContext, { dir: cacheDir, maxGb }: DatasetCache): CacheKeeper {
  const { database, logger } = context
  const ofFillers = { ...context, store: context.store.nearby ?? context.store }
  const fulfilled = new Map<string, Fulfilment>()
  const runs = new Map<string, Run>()
  /** Entries that are being filled or looked at for a wish. */
  const wanted = new Map<Wish, string>()
  /** The keys of what was converted here before: a job that wants the same needs no process to find them. */
  const conversions = new Map<string, string>()
  const fillers = createFillers(cacheDir)
  let latest: readonly AttemptRef[] | undefined
  let looking: Promise<void> | undefined
  let isStopped = false

  const lookNow = async () => {
    for (; latest !== undefined && !isStopped; ) {
      const refs = latest
      latest = undefined
      const wishes = refs.length === 0 ? [] : await readWishes(context, refs)
      const byId = new Map(wishes.map((wish) => [wishId(wish), wish]))
      for (const [id, fulfilment] of fulfilled) {
        if (byId.has(id)) continue
        fulfilled.delete(id)
        fulfilment.leave().catch((error: unknown) => logger.warn({ err: error }, 'a dataset could not be let go'))
      }
      for (const [id, wish] of byId)
        if (wish.state !== 'failed' && !fulfilled.has(id)) fulfilled.set(id, fulfil(id, wish))
    }
  }

  const fulfil = (id: string, wish: Wish): Fulfilment => {
    const left = new AbortController()
    const tryToHold = async () => {
      try {
        return await hold(wish, left.signal)
      } catch (error) {
        const failure = failureOf(error)
        if (failure === undefined || left.signal.aborted) throw error
        return await fail(wish, failure)
      }
    }
    const work = tryToHold().catch((error: unknown) => {
      if (left.signal.aborted) return undefined
      logger.warn({ err: error, ...refOf(wish) }, 'a dataset could not be cached; it is tried again')
      fulfilled.delete(id)
      return undefined
    })
    return {
      async leave() {
        left.abort(new Error('the attempt needs its dataset no longer'))
        await (await work)?.release()
      },
    }
  }

  /** Ends with the entry kept for the attempt, and the attempt told; without one when it cannot be filled. */
  const hold = async (wish: Wish, signal: AbortSignal) => {
    // Told by a runner before this one: its trainer reads there.
    const told = wish.key === null ? undefined : await holdEntry({ cacheDir, key: wish.key }, { signal })
    if (told !== undefined) return told
    const source = cacheKey(await getDatasetManifest(context, wish.snapshotId), wish.whole)
    wanted.set(wish, source.key)
    try {
      return await holdFilled(wish, source, signal)
    } finally {
      wanted.delete(wish)
    }
  }

  const holdFilled = async (wish: Wish, source: SourceKey, signal: AbortSignal) => {
    const isSource = wish.format === ''
    const what = isSource ? source.key : [source.key, wish.splitId, wish.format, wish.taskType].join(' ')
    let detail = 'it was gone again before anybody could use it'
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const key = isSource ? source.key : conversions.get(what)
      const held = key === undefined ? undefined : await holdEntry({ cacheDir, key }, { signal })
      if (key !== undefined && held !== undefined) {
        try {
          await tell(wish, { state: 'ready', key })
          return held
        } catch (error) {
          await held.release()
          throw error
        }
      }
      const outcome = await join(what, wish, source, signal)
      if (outcome.type === 'failed') return await fail(wish, outcome.error)
      if (outcome.type === 'died') detail = `the process that fills it ended: ${outcome.detail}`
      else if (!isSource) conversions.set(what, outcome.key)
    }
    const message = `The dataset could not be put into the cache in ${MAX_TRIES} tries: ${detail}`
    return await fail(wish, { errorType: 'ResourceError', message, retryable: true })
  }

  const fail = async (wish: Wish, error: FillError) => {
    logger.warn({ ...refOf(wish), ...error }, 'a dataset cannot be cached')
    await tell(wish, { state: 'failed', error: JSON.stringify(error) })
    return undefined
  }

  /** Wishes for the same thing wait for the same process, which is stopped when nobody waits any more. */
  const join = async (what: string, wish: Wish, source: SourceKey, signal: AbortSignal) => {
    const run = runs.get(what) ?? start(what, wish, source)
    run.waiting.add(wish)
    try {
      return await Promise.race([run.outcome, whenAborted(signal)])
    } finally {
      run.waiting.delete(wish)
      if (run.waiting.size === 0) {
        // Whoever comes now begins anew, with the files that are there.
        runs.delete(what)
        run.stop.abort(new Error('nobody waits for this dataset any more'))
      }
    }
  }

  const start = (what: string, wish: Wish, source: SourceKey): Run => {
    const stop = new AbortController()
    const waiting = new Set<Wish>()
    const begin = async () => {
      const startedAt = performance.now()
      const order: FillOrder = {
        ...{ type: 'fill', cacheDir, key: source.key, isWhole: source.isWhole, hasOwnSplits: wish.splitId !== null },
        ...(wish.format === '' ? {} : { as: { format: wish.format, taskType: wish.taskType } }),
        maxBytes: maxGb * 1e9,
        keep: [...(await readKeysInUse(context)), ...wanted.values()],
      }
      const outcome = await fillers.fill({
        order,
        signal: stop.signal,
        answer: (path) => answerFiller(ofFillers, wish, path),
        onProgress: (files, totalFiles) => void noteProgress(waiting, files, totalFiles),
        onWarning: (message) => logger.warn(refOf(wish), message),
      })
      const seconds = Math.round((performance.now() - startedAt) / 100) / 10
      if (outcome.type === 'done') logger.info({ key: outcome.key, format: wish.format, seconds }, 'dataset cached')
      return outcome
    }
    const run: Run = { outcome: begin(), waiting, stop }
    runs.set(what, run)
    return run
  }

  const noteProgress = async (waiting: ReadonlySet<Wish>, files: number, totalFiles: number) => {
    try {
      for (const wish of waiting) await tell(wish, { files, total_files: totalFiles })
    } catch (error) {
      logger.debug({ err: error }, 'the progress of a fill was not noted')
    }
  }

  const tell = async ({ jobId, attempt, format, whole }: Wish, changes: Updateable<CacheFillsTable>) => {
    await database.db
      .updateTable('cache_fills')
      .set(changes)
      .where((eb) => eb.and({ job_id: jobId, attempt, format, whole }))
      .execute()
  }

  const look = (refs: readonly AttemptRef[]) => {
    latest = refs
    looking ??= lookNow()
      .catch((error: unknown) =>
        logger.error({ err: error }, 'nobody could see what datasets are wanted; it is tried again'),
      )
      .finally(() => {
        looking = undefined
        // Said after the last look, and before this.
        if (latest !== undefined && !isStopped) look(latest)
      })
  }

  return {
    look,
    async stop() {
      isStopped = true
      await looking
      await Promise.all([...fulfilled.values()].map((fulfilment) => fulfilment.leave()))
      fulfilled.clear()
      fillers.close()
    },
  }
}

const UNUSABLE_FOLDER = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EIO'])

/** Undefined where waiting may help: the database is away. */
function failureOf(error: unknown): FillError | undefined {
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

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

function refOf({ jobId, attempt }: AttemptRef): AttemptRef {
  return { jobId, attempt }
}
