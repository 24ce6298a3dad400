import { type Clock, type Database, TrainyardError } from '@trainyard/platform'
import { CompiledQuery } from 'kysely'
import type { RunnerConfig, RunnerLimits } from '../config.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { Query } from '../db/statement.ts'
import { IntakeFull } from '../errors.ts'
import { endAttempt } from '../jobs/end-attempt.ts'
import type { BlockBuilder } from '../metrics/block-builder.ts'
import type { RunnerTelemetry } from '../observability/metrics/telemetry.ts'
import { endOfMissingFiles } from './end-of-missing-files.ts'
import { endOfTerminalEvent } from './end-of-terminal-event.ts'
import type { IntakeBatch } from './intake-batch.ts'
import { IntakeQueue } from './intake-queue.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { lockAttempt, type PreparedEvents, type StoreEventsResult, storeEvents } from './store-events.ts'

/** Stores all events of trainers and sets the pace at which they report. */
export interface Intake extends RateLimit {
  /**
   * Stores a batch. Closes the attempt in the same transaction when the batch contains the terminal event. Undefined when the
   * attempt does not exist.
   *
   * @throws TrainyardError `rate_limited` when the queue is full
   */
  store(input: IntakeBatch): Promise<StoreEventsResult | undefined>
  /** Interval at which a trainer must report; longer while the queue is filling up. */
  readonly heartbeatSeconds: number
}

export interface IntakeOptions {
  config: Pick<RunnerConfig, 'heartbeatSeconds' | 'heartbeatTimeoutSeconds'>
  limits: RunnerLimits
  database: Database<RunnerDatabase>
  clock: Clock
  telemetry: RunnerTelemetry
  /** Prepares long series for charts. */
  blocks: BlockBuilder
}

/** How long a trainer waits when the queue is full. The queue drains within a second unless the database is unavailable. */
const RETRY_AFTER_SECONDS = 2
const BURST_SECONDS = 10

export function createIntake(options: IntakeOptions): Intake {
  const { config, limits, database, clock, blocks } = options
  const queue = new IntakeQueue({
    maxWaitingRows: limits.maxWaitingRows,
    storeTogether: (batches) => storeWith(database.query, batches, options),
    storeAlone: (batches) => storeAlone(batches, options),
    maxMetricNames: limits.maxMetricNames,
  })
  const rate = createRateLimit({ clock, perSecond: limits.maxEventsPerSecond, burstSeconds: BURST_SECONDS })
  return {
    ...rate,
    async store(input) {
      try {
        const result = await queue.store(input)
        if (result?.applied) blocks.added(input, input.batch.metrics)
        return result
      } catch (error) {
        if (!(error instanceof IntakeFull)) throw error
        throw new TrainyardError('rate_limited', 'The server is overloaded; wait, then send the same events again', {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        })
      }
    },
    get heartbeatSeconds() {
      // Never so long that an attempt times out between two heartbeats.
      const slowest = Math.max(config.heartbeatSeconds, config.heartbeatTimeoutSeconds / 3)
      return config.heartbeatSeconds + (slowest - config.heartbeatSeconds) * queue.pressure
    },
  }
}

function storeWith(query: Query, batches: PreparedEvents, { clock, limits }: IntakeOptions) {
  return storeEvents(query, batches, {
    now: clock.now(),
    maxLogLines: limits.maxLogLinesPerAttempt,
    maxMetricNames: limits.maxMetricNames,
  })
}

async function storeAlone(batches: PreparedEvents, options: IntakeOptions): Promise<StoreEventsResult | undefined> {
  const { clock, limits, telemetry, database } = options
  const [input] = batches.inputs
  if (input === undefined) return undefined
  const { terminal } = input.batch
  if (terminal === undefined) {
    if (!(await lockAttempt(database.query, input))) return undefined
    // The lock was released at once. It is unlikely that another transaction takes it before this statement.
    const [result] = await storeWith(database.query, batches, options).catch(() => [])
    if (result !== undefined) return result
  }
  return await database.transaction(async (trx) => {
    const query: Query = async <Row>({ text }: { text: string }, values: readonly unknown[]) =>
      (await trx.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows
    // A statement sees what was committed before it began, so the lock must be a statement of its own.
    await lockAttempt(query, input)
    const [result] = await storeWith(query, batches, options)
    // A terminal event whose number is already stored is a duplicate of the stored event, or is invalid.
    if (terminal !== undefined && result?.applied && result.lastSeq < input.last) {
      // Ids of the simple endpoints may be those of another system.
      const missing = input.channel === 'journal' ? await endOfMissingFiles(trx, input.jobId, terminal) : undefined
      const end = missing ?? endOfTerminalEvent(terminal, result.stopReason)
      await endAttempt({ clock, limits, telemetry }, trx, input, end)
    }
    return result
  })
}
