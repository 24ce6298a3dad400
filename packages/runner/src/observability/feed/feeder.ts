import { newId } from '@trainyard/platform'
import { sql } from 'kysely'
import { BackendRefused, type ObservabilityAdapter } from '../adapter.ts'
import type { ObservabilityContext } from '../context.ts'
import { createCircuit } from './circuit.ts'
import { type DeliverOptions, deliver, LeaseLost } from './deliver.ts'
import { claimDue, type ExperimentKey, enrolAttempts, releaseLease } from './leases.ts'

export interface FeedOptions {
  instanceId: string
  /** Origin of the pages that show jobs. */
  jobPages: string
  limits?: Partial<FeedLimits>
}

export interface FeedLimits {
  /** The pause between two looks for news. */
  intervalMs: number
  /** Attempts that may wait in memory for one backend. What is due beyond that stays due in the database. */
  queueSize: number
  /** Calls of one backend at a time. */
  concurrency: number
  leaseSeconds: number
  callTimeoutMs: number
  batchSize: number
  maxBehind: number
  /** The first pause after a failure with one attempt; doubled each time, with jitter. */
  retryMs: number
  maxRetryMs: number
  /** After this long without success an attempt that has ended is given up. */
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

export interface Feed {
  start(): void
  /** Lets calls under way end, up to their time limit, and gives the leases back. */
  stop(): Promise<void>
}

/**
 * Feeds one backend from what is stored. It shares nothing with intake but the database: however slow or dead the backend
 * is, the most it holds is a bounded queue of attempts, a few calls under way and a position per attempt.
 */
export function createFeed(context: ObservabilityContext, adapter: ObservabilityAdapter, options: FeedOptions): Feed {
  const limits = { ...DEFAULT_FEED_LIMITS, ...options.limits }
  const backend = adapter.name
  const { backends } = context.telemetry
  const { db } = context.database
  const owner = newId('feed')
  const logger = context.logger.child({ backend })
  const circuit = createCircuit({ threshold: limits.circuitThreshold, pauseMs: limits.circuitPauseMs })
  const queue: ExperimentKey[] = []
  const underWay = new Set<Promise<void>>()
  let stopped = true
  let loop: Promise<void> | undefined
  /** What is in the queue or under way: a lease of our own that ran out is not taken twice. */
  const held = new Set<string>()
  let endPause: (() => void) | undefined
  let complained = false

  const delivery: DeliverOptions = { ...limits, owner, instanceId: options.instanceId, jobPages: options.jobPages }

  const show = () => {
    backends.queue.set({ backend }, queue.length + underWay.size)
    backends.circuit.set({ backend }, circuit.isOpen ? 1 : 0)
  }

  const work = async (key: ExperimentKey) => {
    try {
      // Let go of before the lease is: as soon as the database gives it away, it may be claimed again, here too.
      await deliver(context, adapter, key, delivery).finally(() => held.delete(nameOf(key)))
      circuit.succeeded()
      await releaseLease(db, owner, key)
      if (complained) logger.info('the observability backend takes things again')
      complained = false
    } catch (error) {
      // Whoever has the lease now goes on; nothing is known against the backend.
      if (error instanceof LeaseLost) return circuit.succeeded()
      // A backend that refuses answers: it is this experiment that is wrong, not the backend.
      if (error instanceof BackendRefused) circuit.succeeded()
      else circuit.failed()
      backends.failures.inc({ backend })
      if (!complained)
        logger.warn({ err: error, jobId: key.job_id }, 'an observability backend fails; it is tried again')
      complained = true
      await postpone(context, key, owner, error, limits).catch(() => {})
    }
  }

  /** Starts what there is room for. */
  const pump = () => {
    while (!stopped && underWay.size < limits.concurrency && queue.length > 0) {
      if (!circuit.mayTry()) break
      const key = queue.shift()
      if (key === undefined) break
      const done = work(key).finally(() => {
        underWay.delete(done)
        pump()
      })
      underWay.add(done)
    }
    show()
  }

  const look = async () => {
    if (circuit.isOpen && queue.length > 0) return pump()
    await enrolAttempts(db, backend)
    const room = limits.queueSize - queue.length
    const takes = adapter.takes
    const claimed = room > 0 ? await claimDue(db, backend, { ...limits, owner, limit: room, takes }) : []
    for (const key of claimed) {
      if (held.has(nameOf(key))) continue
      held.add(nameOf(key))
      queue.push(key)
    }
    if (queue.length >= limits.queueSize) backends.deferred.inc({ backend })
    pump()
  }

  const run = async () => {
    while (!stopped) {
      await look().catch((error: unknown) => logger.warn({ err: error }, 'could not look for news for a backend'))
      if (stopped) break
      await new Promise<void>((resolve) => {
        endPause = resolve
        setTimeout(resolve, limits.intervalMs).unref()
      })
    }
  }

  return {
    start() {
      if (!stopped) return
      stopped = false
      show()
      loop = run()
    },
    async stop() {
      if (stopped) return
      stopped = true
      endPause?.()
      await loop
      queue.length = 0
      await Promise.allSettled(underWay)
      await releaseLease(db, owner).catch(() => {})
      await adapter.close?.()
    },
  }
}

function nameOf(key: ExperimentKey): string {
  return `${key.job_id}.${key.attempt}`
}

/** Writes down that it did not work, and when to try again. */
async function postpone(
  context: ObservabilityContext,
  key: ExperimentKey,
  owner: string,
  error: unknown,
  limits: FeedLimits,
): Promise<void> {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 1000)
  const final = error instanceof BackendRefused
  await sql`
    update experiments e set
      failures = e.failures + 1,
      last_error = ${message},
      next_try_at = now() + make_interval(
        secs => least(${limits.maxRetryMs}::float8, ${limits.retryMs}::float8 * 2 ^ least(e.failures, 30)) / 1000 * (0.5 + random() / 2)),
      state = case when ${final}::boolean
                or a.closed_at < now() - make_interval(secs => ${limits.giveUpSeconds}::float8) then 'given_up' else e.state end,
      lease_owner = null, lease_expires_at = null
    from attempts a
    where a.job_id = e.job_id and a.attempt = e.attempt
      and e.job_id = ${key.job_id} and e.attempt = ${key.attempt} and e.backend = ${key.backend}
      and e.lease_owner = ${owner}`.execute(context.database.db)
}
