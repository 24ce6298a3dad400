import { END_REASONS, type EndReason } from '@trainyard/contract'
import type { Transaction } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { openNextAttempt } from './open-attempt.ts'
import { type AttemptEnd, canMove, decideRetry, retryDelayMs } from './statuses.ts'

export type EndOutcome =
  | { outcome: 'ended'; reason: EndReason; next: 'finished' | 'retry' }
  /** The attempt was already closed; its end is kept. */
  | { outcome: 'already-ended' }

/**
 * Closes an attempt and decides whether its job is retried, in the caller's transaction. Only the first end counts. Locks the
 * job's row first, as every writer does, so that ends, cancels and intake cannot deadlock.
 */
export async function endAttempt(
  context: Pick<RunnerContext, 'clock' | 'limits' | 'telemetry'>,
  trx: Transaction<RunnerDatabase>,
  ref: { jobId: number; attempt: number },
  end: AttemptEnd,
): Promise<EndOutcome> {
  const now = context.clock.now()
  const job = await trx.selectFrom('jobs').selectAll().where('id', '=', ref.jobId).forUpdate().executeTakeFirst()
  if (job === undefined) return { outcome: 'already-ended' }
  const closed = await trx
    .updateTable('attempts')
    .set({ closed_at: now, end_reason: end.reason, error: toJson(end.error) })
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .where('closed_at', 'is', null)
    .executeTakeFirst()
  if (closed.numUpdatedRows === 0n || job.attempt !== ref.attempt) return { outcome: 'already-ended' }

  context.telemetry.attemptEnded(end.reason)
  const retry = decideRetry({
    reason: end.reason,
    retryable: end.retryable ?? true,
    cancelRequested: job.cancel_requested_at !== null,
    countedRetries: job.counted_retries,
    maxRetries: job.max_retries,
    freeRetries: job.free_retries,
    maxFreeRetries: context.limits.maxFreeRetries,
  })
  if (retry === 'none') {
    await finishJob(trx, job, end, now)
    return { outcome: 'ended', reason: end.reason, next: 'finished' }
  }
  const delayMs = retryDelayMs(job.counted_retries + job.free_retries, {
    firstSeconds: context.limits.retryBackoffSeconds,
    maxSeconds: context.limits.retryBackoffMaxSeconds,
  })
  await openNextAttempt(trx, job, {
    now,
    runAfter: new Date(now.getTime() + delayMs),
    counted_retries: job.counted_retries + (retry === 'counted' ? 1 : 0),
    free_retries: job.free_retries + (retry === 'free' ? 1 : 0),
    // The last error stays visible while the job waits for its next attempt.
    error: toJson(end.error),
  })
  return { outcome: 'ended', reason: end.reason, next: 'retry' }
}

async function finishJob(trx: Transaction<RunnerDatabase>, job: JobRow, end: AttemptEnd, now: Date): Promise<void> {
  const { state } = END_REASONS[end.reason]
  if (!canMove(job.state, state)) throw new Error(`job ${job.id} cannot go from ${job.state} to ${state}`)
  await trx
    .updateTable('jobs')
    .set({
      state,
      end_reason: end.reason,
      error: toJson(end.error),
      result: toJson(end.result),
      finished_at: now,
    })
    .where('id', '=', job.id)
    .execute()
}

const toJson = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value))
