import type { Job, StopReason } from '@trainyard/contract'
import { type Caller, notFound } from '@trainyard/platform'
import { sql } from 'kysely'
import { auditJob } from '../auth/audit.ts'
import type { RunnerContext } from '../context.ts'
import { endAttempt } from './end-attempt.ts'
import { getJob } from './get-job.ts'
import { isTerminalJobState } from './statuses.ts'

/** Cancels a job. One that was not launched yet ends at once, and one that has ended stays as it is. */
export async function cancelJob(context: RunnerContext, caller: Caller, jobId: number): Promise<Job> {
  if (!(await stopJob(context, jobId, caller))) throw notFound('job', jobId)
  return await getJob(context, caller, jobId)
}

/**
 * Cancels a job, and records who did. Without a caller it was cancelled outside the platform, by an operator of its orchestrator.
 *
 * @returns false when there is no such job
 */
export async function stopJob(context: RunnerContext, jobId: number, caller?: Caller): Promise<boolean> {
  const now = context.clock.now()
  const isKnown = await context.database.transaction(async (trx) => {
    const job = await trx.selectFrom('jobs').selectAll().where('id', '=', jobId).forUpdate().executeTakeFirst()
    if (job === undefined) return false
    if (isTerminalJobState(job.state)) return true
    if (caller !== undefined) await auditJob(context.identity, trx, caller, { action: 'job.cancel', job })
    if (job.cancel_requested_at === null)
      await trx.updateTable('jobs').set({ cancel_requested_at: now }).where('id', '=', jobId).execute()
    const ref = { jobId, attempt: job.attempt }
    const attempt = await trx
      .updateTable('attempts')
      .set({
        // An earlier reason, such as a deadline, is kept.
        stop_reason: sql<StopReason>`coalesce(stop_reason, 'cancelled')`,
        stop_requested_at: sql<Date>`coalesce(stop_requested_at, ${now}::timestamptz)`,
      })
      .where('job_id', '=', jobId)
      .where('attempt', '=', job.attempt)
      .returning('launched_at')
      .executeTakeFirstOrThrow()
    if (attempt.launched_at === null)
      await endAttempt(context, trx, ref, {
        reason: 'cancelled_by_user',
        error: { message: 'The job was cancelled before its trainer was started' },
      })
    return true
  })
  context.hub.changed(jobId)
  context.hub.wake()
  return isKnown
}
