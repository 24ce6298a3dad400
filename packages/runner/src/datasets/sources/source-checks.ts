import { abortable, type Clock, createGate } from '@trainyard/platform'
import { DatasetChanged } from '../../errors.ts'
import type { DatasetContext } from '../context.ts'
import { verifySource } from './verify-source.ts'

export interface VerifyOptions {
  /** When the job was queued. A check that began later covers it. Undefined: now. */
  queuedAt: Date | undefined
  /** Aborting it ends the wait. The check ends when no job waits for it any more. */
  signal: AbortSignal
  /** Called when the check makes progress. Not called while it waits for other checks. */
  onProgress: () => void
}

interface Check {
  /** Undefined while it waits for other checks. */
  beganAt: Date | undefined
  /** The `onProgress` of the jobs that wait for it. */
  waiting: Set<() => void>
  stop: AbortController
  outcome: Promise<void>
}

interface Result {
  beganAt: Date
  /** By `performance.now()`. */
  validUntil: number
  changed: DatasetChanged | undefined
}

/** Each check lists the files of a whole dataset. More at once only keep disk and processor from everything else. */
const CONCURRENT_CHECKS = 2
/** A result is valid for twice as long as the check took, within these limits: checks then take a third of the time at most. */
const MIN_VALID_MS = 2000
const MAX_VALID_MS = 60_000

/**
 * Checks the sources of snapshots before jobs start. Jobs that wait for the same snapshot share one check, and its result is
 * valid for a short time for jobs that were queued before it began.
 */
export class SourceChecks {
  readonly #context: DatasetContext & { clock: Clock }
  readonly #gate = createGate(CONCURRENT_CHECKS)
  readonly #running = new Map<string, Check>()
  readonly #results = new Map<string, Result>()

  constructor(context: DatasetContext & { clock: Clock }) {
    this.#context = context
  }

  /** Throws {@link DatasetChanged} when the files of the snapshot changed, and what the store or the database throws. */
  async verify(snapshotId: string, { queuedAt, signal, onProgress }: VerifyOptions): Promise<void> {
    const now = this.#context.clock.now()
    // The clock of the runner that queued the job may be ahead.
    const since = queuedAt !== undefined && queuedAt < now ? queuedAt : now
    for (;;) {
      signal.throwIfAborted()
      const result = this.#results.get(snapshotId)
      if (result !== undefined && result.beganAt >= since && performance.now() < result.validUntil) {
        if (result.changed !== undefined) throw result.changed
        return
      }
      const check = this.#running.get(snapshotId) ?? this.#start(snapshotId)
      if (check.beganAt === undefined || check.beganAt >= since)
        return await this.#wait(snapshotId, check, { signal, onProgress })
      // It began before the job was queued. All jobs that wait for its end share the next one.
      await this.#wait(snapshotId, check, { signal, onProgress }).catch(() => {})
    }
  }

  #start(snapshotId: string): Check {
    const stop = new AbortController()
    const waiting = new Set<() => void>()
    const check: Check = { beganAt: undefined, waiting, stop, outcome: Promise.resolve() }
    check.outcome = this.#gate(() => this.#run(snapshotId, check)).finally(() => this.#forget(snapshotId, check))
    check.outcome.catch(() => {})
    this.#running.set(snapshotId, check)
    return check
  }

  async #run(snapshotId: string, check: Check): Promise<void> {
    const { signal } = check.stop
    signal.throwIfAborted()
    const startedMs = performance.now()
    const beganAt = this.#context.clock.now()
    check.beganAt = beganAt
    const onProgress = () => {
      for (const report of check.waiting) report()
    }
    // Those that waited for the gate.
    onProgress()
    let changed: DatasetChanged | undefined
    try {
      // A store that hangs must not hold the gate.
      await abortable(verifySource(this.#context, snapshotId, { signal, onProgress }), signal)
    } catch (error) {
      if (!(error instanceof DatasetChanged)) throw error
      changed = error
    }
    this.#keep(snapshotId, { beganAt, changed, tookMs: performance.now() - startedMs })
    if (changed !== undefined) throw changed
  }

  #keep(
    snapshotId: string,
    { beganAt, changed, tookMs }: { beganAt: Date; changed: DatasetChanged | undefined; tookMs: number },
  ): void {
    const now = performance.now()
    for (const [id, { validUntil }] of this.#results) if (validUntil <= now) this.#results.delete(id)
    const validUntil = now + Math.min(MAX_VALID_MS, Math.max(MIN_VALID_MS, 2 * tookMs))
    this.#results.set(snapshotId, { beganAt, validUntil, changed })
  }

  async #wait(
    snapshotId: string,
    check: Check,
    { signal, onProgress }: Omit<VerifyOptions, 'queuedAt'>,
  ): Promise<void> {
    check.waiting.add(onProgress)
    if (check.beganAt !== undefined) onProgress()
    try {
      await abortable(check.outcome, signal)
    } finally {
      check.waiting.delete(onProgress)
      if (check.waiting.size === 0) {
        this.#forget(snapshotId, check)
        check.stop.abort(new Error('no job waits for this check any more'))
      }
    }
  }

  #forget(snapshotId: string, check: Check): void {
    if (this.#running.get(snapshotId) === check) this.#running.delete(snapshotId)
  }
}
