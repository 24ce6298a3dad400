import { sql } from 'kysely'
import type { RunnerContext } from '../../context.ts'
import { isTerminalJobState } from '../../jobs/statuses.ts'
import { queuePending } from '../../supervisor/queue-pending.ts'
import type { TaskQueues } from './task-queues.ts'
import type { NextStep } from './verbs.ts'

/** Queues a job when it is due, and reads what it waits for. The database alone says what is true. */
export async function advance(context: RunnerContext, queues: TaskQueues, jobId: number): Promise<NextStep> {
  const { db } = context.database
  await queuePending(context, jobId)
  const row = await db
    .selectFrom('jobs')
    .select(['state', 'attempt', 'run_after', 'end_reason', 'project_id', 'trainer_name', 'lease_owner'])
    .select(sql<boolean>`coalesce(lease_expires_at > ${context.clock.now()}::timestamptz, false)`.as('is_leased'))
    .where('id', '=', jobId)
    .executeTakeFirst()
  if (row === undefined) return { job: undefined, wait: 'nothing' }
  const job = { project: row.project_id, trainer: row.trainer_name, state: row.state }
  const live = await db
    .selectFrom('attempts')
    .select(['attempt', 'host'])
    .where('job_id', '=', jobId)
    .where('launched_at', 'is not', null)
    .where('cleaned_at', 'is', null)
    .orderBy('attempt')
    .executeTakeFirst()
  if (live !== undefined) {
    const holder = row.is_leased && row.lease_owner !== null ? queues.ofProcess(row.lease_owner) : undefined
    const host = queues.ofHost(live.host ?? '')
    return { job, wait: 'attempt', attempt: live.attempt, queues: { holder, host, heartbeatMs: queues.heartbeatMs } }
  }
  if (isTerminalJobState(row.state)) return { job, wait: 'nothing', endReason: row.end_reason ?? undefined }
  if (row.state === 'pending') {
    const ms = (row.run_after ?? context.clock.now()).getTime() - context.clock.now().getTime()
    return { job, wait: 'pause', ms: Math.max(1, ms) }
  }
  return { job, wait: 'admission', attempt: row.attempt }
}
