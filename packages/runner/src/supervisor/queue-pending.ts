import type { RunnerContext } from '../context.ts'
import { endAttempt } from '../jobs/end-attempt.ts'

/**
 * Queues pending jobs whose pause before a retry is over.
 *
 * @param jobId leaves other jobs alone. Default: all jobs
 */
export async function queuePending(context: RunnerContext, jobId?: number): Promise<void> {
  const now = context.clock.now()
  const rows = await context.database.db
    .updateTable('jobs')
    .$if(jobId !== undefined, (query) => query.where('id', '=', jobId ?? 0))
    .set({ state: 'queued', queued_at: now })
    .where('state', '=', 'pending')
    .where((eb) => eb.or([eb('run_after', 'is', null), eb('run_after', '<=', now)]))
    .returning('id')
    .execute()
  for (const { id } of rows) context.hub.changed(id)
}

/** Ends jobs that were queued for too long. */
export async function endQueuedTooLong(context: RunnerContext): Promise<void> {
  const { queuedTimeoutSeconds } = context.limits
  const before = new Date(context.clock.now().getTime() - queuedTimeoutSeconds * 1000)
  const rows = await context.database.db
    .selectFrom('jobs')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.job_id', '=', 'jobs.id').onRef('attempts.attempt', '=', 'jobs.attempt'),
    )
    .select(['jobs.id', 'jobs.attempt', 'jobs.queue'])
    .where('jobs.state', '=', 'queued')
    .where('jobs.queued_at', '<', before)
    .where('attempts.launched_at', 'is', null)
    .execute()
  for (const { id, attempt, queue } of rows) {
    const message = `The job was in the queue "${queue}" for more than ${queuedTimeoutSeconds} seconds`
    await context.database.transaction((trx) =>
      endAttempt(context, trx, { jobId: id, attempt }, { reason: 'queued_too_long', error: { message } }),
    )
    context.hub.changed(id)
  }
}
