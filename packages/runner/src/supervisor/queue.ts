import type { RunnerContext } from '../context.ts'
import { endAttempt } from '../jobs/end-attempt.ts'

/** Queues jobs whose pause is over. */
export async function queuePending(context: RunnerContext): Promise<void> {
  const now = context.clock.now()
  const rows = await context.database.db
    .updateTable('jobs')
    .set({ state: 'queued', queued_at: now })
    .where('state', '=', 'pending')
    .where((eb) => eb.or([eb('run_after', 'is', null), eb('run_after', '<=', now)]))
    .returning('id')
    .execute()
  for (const { id } of rows) context.hub.changed(id)
}

/** Gives up jobs that waited too long for a place. */
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
    const message = `The job waited longer than ${queuedTimeoutSeconds} seconds for a place in the queue "${queue}"`
    await context.database.transaction((trx) =>
      endAttempt(context, trx, { jobId: id, attempt }, { reason: 'queued_too_long', error: { message } }),
    )
    context.hub.changed(id)
  }
}

/** Ends attempts of other hosts that nobody looks after and nobody hears: their machine is gone. */
export async function endAbandoned(context: RunnerContext): Promise<void> {
  const now = context.clock.now()
  const { heartbeatTimeoutSeconds, startTimeoutSeconds } = context.config
  const before = new Date(now.getTime() - Math.max(heartbeatTimeoutSeconds, startTimeoutSeconds) * 1000)
  const rows = await context.database.db
    .selectFrom('jobs')
    .innerJoin('attempts', 'attempts.job_id', 'jobs.id')
    .select(['jobs.id', 'attempts.attempt'])
    .where('attempts.host', '!=', context.launcher.host)
    .where('attempts.launched_at', '<', before)
    .where('attempts.cleaned_at', 'is', null)
    .where((eb) => eb.or([eb('attempts.last_heard_at', 'is', null), eb('attempts.last_heard_at', '<', before)]))
    .where((eb) => eb.or([eb('jobs.lease_expires_at', 'is', null), eb('jobs.lease_expires_at', '<', before)]))
    .execute()
  for (const { id, attempt } of rows) {
    const message = 'The machine that ran the trainer has not been seen for too long'
    await context.database.transaction(async (trx) => {
      await endAttempt(context, trx, { jobId: id, attempt }, { reason: 'node_lost', error: { message } })
      await trx
        .updateTable('attempts')
        .set({ cleaned_at: now })
        .where('job_id', '=', id)
        .where('attempt', '=', attempt)
        .execute()
    })
    context.hub.changed(id)
  }
}
