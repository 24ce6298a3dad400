import type { RunnerContext } from '../context.ts'
import { endAttempt } from '../jobs/end-attempt.ts'

/** Ends silent attempts of other hosts that no runner supervises any more: their machine was lost. */
export async function endAbandoned(context: RunnerContext): Promise<void> {
  const now = context.clock.now()
  const { heartbeatTimeoutSeconds, startTimeoutSeconds } = context.config
  const before = new Date(now.getTime() - Math.max(heartbeatTimeoutSeconds, startTimeoutSeconds) * 1000)
  const rows = await context.database.db
    .selectFrom('jobs')
    .innerJoin('attempts', 'attempts.job_id', 'jobs.id')
    .select(['jobs.id', 'attempts.attempt', 'attempts.last_heard_at', 'attempts.running_since'])
    .where('attempts.host', '!=', context.launcher.host)
    .where('attempts.launched_at', '<', before)
    .where('attempts.cleaned_at', 'is', null)
    .where((eb) => eb.or([eb('attempts.last_heard_at', 'is', null), eb('attempts.last_heard_at', '<', before)]))
    .where((eb) => eb.or([eb('jobs.lease_expires_at', 'is', null), eb('jobs.lease_expires_at', '<', before)]))
    .execute()
  for (const { id, attempt, last_heard_at: heardAt, running_since: runningSince } of rows) {
    const message = 'The machine that ran the trainer was lost: no runner has supervised it for too long'
    await context.database.transaction(async (trx) => {
      await endAttempt(context, trx, { jobId: id, attempt }, { reason: 'node_lost', error: { message } })
      await trx
        .updateTable('attempts')
        .set({ cleaned_at: now, ended_at: heardAt ?? runningSince })
        .where('job_id', '=', id)
        .where('attempt', '=', attempt)
        .execute()
    })
    context.hub.changed(id)
  }
}
