import { type Clock, type Database, TrainyardError } from '@trainyard/platform'
import { CompiledQuery } from 'kysely'
import type { RunnerConfig, RunnerLimits } from '../config.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { endAttempt } from '../jobs/end-attempt.ts'
import type { BlockBuilder } from '../metrics/block-builder.ts'
import type { RunnerTelemetry } from '../observability/metrics/telemetry.ts'
import { endOfTerminalEvent } from './end-of-terminal-event.ts'
import type { IntakeBatch } from './intake-batch.ts'
import { createIntakeQueue, IntakeFull } from './intake-queue.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { lockAttempt, type PreparedEvents, type Query, type StoreEventsResult, storeEvents } from './store-events.ts'

/** The one way of events into the database, and what it says to trainers about its pace. */
export interface Intake extends RateLimit {
  /**
   * Stores a batch; when it holds the terminal event, closes the attempt in the same transaction. Undefined when there is no
   * such attempt.
   *
   * @throws TrainyardError `rate_limited` when too much waits already
   */
  store(input: IntakeBatch): Promise<StoreEventsResult | undefined>
  /** How often a trainer should be heard; less often while much waits. */
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

/** Seconds for which a trainer should wait when the queue is full: it drains within one, or the database is away. */
const RETRY_AFTER_SECONDS = 2
const BURST_SECONDS = 10

export function createIntake({ config, limits, database, clock, telemetry, blocks }: IntakeOptions): Intake {
  const store = (query: Query, batches: PreparedEvents) =>
    storeEvents(query, batches, { now: clock.now(), maxLogLines: limits.maxLogLinesPerAttempt })
  const queue = createIntakeQueue({
    maxWaitingRows: limits.maxWaitingRows,
    storeTogether: (batches) => store(database.query, batches),
    async storeAlone(batches) {
      const [input] = batches.inputs
      if (input === undefined) return undefined
      const { terminal } = input.batch
      if (terminal === undefined) {
        if (!(await lockAttempt(database.query, input))) return undefined
        // The lock is gone again, and hardly anybody takes it before this.
        const [outcome] = await store(database.query, batches).catch(() => [])
        if (outcome !== undefined) return outcome
      }
      return await database.transaction(async (trx) => {
        const query: Query = async <Row>({ text }: { text: string }, values: readonly unknown[]) =>
          (await trx.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows
        // A statement sees what was there when it began: under the lock, all that others stored.
        await lockAttempt(query, input)
        const [outcome] = await store(query, batches)
        // One whose number is held already says nothing: the event that has it does.
        if (terminal !== undefined && outcome?.applied && outcome.lastSeq < input.last)
          await endAttempt({ clock, limits, telemetry }, trx, input, endOfTerminalEvent(terminal, outcome.stopReason))
        return outcome
      })
    },
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
        throw new TrainyardError('rate_limited', 'More comes in than can be stored; wait, then go on where you were', {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        })
      }
    },
    get heartbeatSeconds() {
      // Never so slow that a trainer is given up between two heartbeats.
      const slowest = Math.max(config.heartbeatSeconds, config.heartbeatTimeoutSeconds / 3)
      return config.heartbeatSeconds + (slowest - config.heartbeatSeconds) * queue.pressure
    },
  }
}
