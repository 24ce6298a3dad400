import { type Logger, newId } from '@trainyard/platform'
import { sql } from 'kysely'
import { BackendRefused, type ObservabilityAdapter } from '../adapter.ts'
import type { ObservabilityContext } from '../context.ts'
import { type Circuit, createCircuit } from './circuit.ts'
import { type DeliverOptions, deliver, LeaseLost } from './deliver.ts'
import { claimDue, type ExperimentKey, enrolAttempts, releaseLease } from './leases.ts'

export interface FeedOptions {
  instanceId: string
  /** Origin of the pages that show jobs. */
  jobPages: string
  limits?: Partial<FeedLimits> | undefined
}

export interface FeedLimits {
  /** The pause between two polls of the database. */
  intervalMs: number
  /** How many attempts wait in memory. More stay due in the database. */
  queueSize: number
  /** How many attempts are sent at a time. */
  concurrency: number
  leaseSeconds: number
  callTimeoutMs: number
  batchSize: number
  maxBehind: number
  /** The pause after the first failure with an attempt. Doubled after each further one, with jitter. */
  retryMs: number
  maxRetryMs: number
  /** An attempt that ended this long ago and still fails is given up. */
  giveUpSeconds: number
  circuitThreshold: number
  circuitPauseMs: number
}

const DEFAULT_FEED_LIMITS: FeedLimits = {
  intervalMs: 1000,
  queueSize: 200,
  concurrency: 4,
  leaseSeconds: 60,
  callTimeoutMs: 15_000,
  batchSize: 1000,
  maxBehind: 100_000,
  retryMs: 1000,
  maxRetryMs: 60_000,
  giveUpSeconds: 7 * 86_400,
  circuitThreshold: 5,
  circuitPauseMs: 2000,
}

/**
 * Sends stored data to one backend. It shares only the database with intake. If the backend is slow or unavailable, the feed
 * holds at most a bounded queue of attempts, a few calls in progress and a position for each attempt.
 */
export class Feed {
  readonly #context: ObservabilityContext
  readonly #adapter: ObservabilityAdapter
  readonly #limits: FeedLimits
  readonly #delivery: DeliverOptions
  readonly #owner = newId('feed')
  readonly #logger: Logger
  readonly #circuit: Circuit
  readonly #queue: ExperimentKey[] = []
  readonly #inProgress = new Set<Promise<void>>()
  /** Attempts in the queue or in progress. Prevents that an attempt whose lease expired is taken twice. */
  readonly #held = new Set<string>()
  #isStopped = true
  #isFailing = false
  #loop: Promise<void> | undefined
  #endPause: (() => void) | undefined

  constructor(context: ObservabilityContext, adapter: ObservabilityAdapter, options: FeedOptions) {
    const { instanceId, jobPages } = options
    this.#context = context
    this.#adapter = adapter
    this.#limits = { ...DEFAULT_FEED_LIMITS, ...options.limits }
    this.#delivery = { ...this.#limits, owner: this.#owner, instanceId, jobPages }
    this.#logger = context.logger.child({ backend: adapter.name })
    const { circuitThreshold: threshold, circuitPauseMs: pauseMs } = this.#limits
    this.#circuit = createCircuit({ threshold, pauseMs })
  }

  start(): void {
    if (!this.#isStopped) return
    this.#isStopped = false
    this.#updateGauges()
    this.#loop = this.#run()
  }

  /** Waits for calls in progress, up to their time limit, and releases the leases. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#endPause?.()
    await this.#loop
    this.#queue.length = 0
    await Promise.allSettled(this.#inProgress)
    await releaseLease(this.#context.database.db, this.#owner).catch(() => {})
    await this.#adapter.close?.()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#poll().catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'could not read what is due for a backend'),
      )
      if (this.#isStopped) break
      await new Promise<void>((resolve) => {
        this.#endPause = resolve
        setTimeout(resolve, this.#limits.intervalMs).unref()
      })
    }
  }

  async #poll(): Promise<void> {
    const { db } = this.#context.database
    const { name: backend, takes } = this.#adapter
    const { queueSize, leaseSeconds } = this.#limits
    if (this.#circuit.isOpen && this.#queue.length > 0) return this.#pump()
    await enrolAttempts(db, backend)
    const limit = queueSize - this.#queue.length
    const claimed = limit > 0 ? await claimDue(db, backend, { leaseSeconds, owner: this.#owner, limit, takes }) : []
    for (const key of claimed) {
      if (this.#held.has(nameOf(key))) continue
      this.#held.add(nameOf(key))
      this.#queue.push(key)
    }
    if (this.#queue.length >= queueSize) this.#context.telemetry.backends.deferred.inc({ backend })
    this.#pump()
  }

  /** Starts as many deliveries as are allowed at a time. */
  #pump(): void {
    while (!this.#isStopped && this.#inProgress.size < this.#limits.concurrency && this.#queue.length > 0) {
      if (!this.#circuit.mayTry()) break
      const key = this.#queue.shift()
      if (key === undefined) break
      const done = this.#deliver(key).finally(() => {
        this.#inProgress.delete(done)
        this.#pump()
      })
      this.#inProgress.add(done)
    }
    this.#updateGauges()
  }

  async #deliver(key: ExperimentKey): Promise<void> {
    try {
      // Not held any longer before the lease is released, because from then on this feed can claim it again.
      await deliver(this.#context, this.#adapter, key, this.#delivery).finally(() => this.#held.delete(nameOf(key)))
      this.#circuit.succeeded()
      await releaseLease(this.#context.database.db, this.#owner, key)
      if (this.#isFailing) this.#logger.info('the observability backend works again')
      this.#isFailing = false
    } catch (error) {
      await this.#handleFailure(key, error)
    }
  }

  async #handleFailure(key: ExperimentKey, error: unknown): Promise<void> {
    // Another replica continues. This is not a failure of the backend.
    if (error instanceof LeaseLost) return this.#circuit.succeeded()
    // The backend answered, so only this experiment fails.
    if (error instanceof BackendRefused) this.#circuit.succeeded()
    else this.#circuit.failed()
    this.#context.telemetry.backends.failures.inc({ backend: this.#adapter.name })
    if (!this.#isFailing)
      this.#logger.warn({ err: error, jobId: key.job_id }, 'an observability backend failed; trying again')
    this.#isFailing = true
    await this.#postpone(key, error).catch(() => {})
  }

  /** Stores the error and when to try again. Gives up an attempt that the backend refuses or that ended long ago. */
  async #postpone(key: ExperimentKey, error: unknown): Promise<void> {
    const { retryMs, maxRetryMs, giveUpSeconds } = this.#limits
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 1000)
    const isRefused = error instanceof BackendRefused
    const pauseMs = sql`least(${maxRetryMs}::float8, ${retryMs}::float8 * 2 ^ least(e.failures, 30))`
    const jitter = sql`(0.5 + random() / 2)`
    await sql`
      update experiments e set
        failures = e.failures + 1,
        last_error = ${message},
        next_try_at = now() + make_interval(secs => ${pauseMs} / 1000 * ${jitter}),
        state = case
          when ${isRefused}::boolean or a.closed_at < now() - make_interval(secs => ${giveUpSeconds}::float8)
          then 'given_up'
          else e.state
        end,
        lease_owner = null,
        lease_expires_at = null
      from attempts a
      where a.job_id = e.job_id and a.attempt = e.attempt
        and e.job_id = ${key.job_id} and e.attempt = ${key.attempt} and e.backend = ${key.backend}
        and e.lease_owner = ${this.#owner}
    `.execute(this.#context.database.db)
  }

  #updateGauges(): void {
    const { backends } = this.#context.telemetry
    const backend = this.#adapter.name
    backends.queue.set({ backend }, this.#queue.length + this.#inProgress.size)
    backends.circuit.set({ backend }, this.#circuit.isOpen ? 1 : 0)
  }
}

function nameOf(key: ExperimentKey): string {
  return `${key.job_id}.${key.attempt}`
}
