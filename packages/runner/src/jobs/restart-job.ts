import type { Job } from '@trainyard/contract'
import { type Caller, notFound, TrainyardError } from '@trainyard/platform'
import { auditJob } from '../auth/audit.ts'
import type { RunnerContext } from '../context.ts'
import { getJob } from './get-job.ts'
import { openNextAttempt } from './open-attempt.ts'
import { isTerminalJobState } from './statuses.ts'

/**
 * Opens a new attempt of a job that has ended and resets its retries. The attempt resumes from the last checkpoint of earlier
 * attempts unless `fresh` is true.
 */
export async function restartJob(
  context: RunnerContext,
  caller: Caller,
  jobId: number,
  { fresh }: { fresh?: boolean | undefined } = {},
): Promise<Job> {
  await context.database.transaction(async (trx) => {
    const job = await trx.selectFrom('jobs').selectAll().where('id', '=', jobId).forUpdate().executeTakeFirst()
    if (job === undefined) throw notFound('job', jobId)
    if (!isTerminalJobState(job.state))
      throw new TrainyardError('conflict', `Job ${jobId} is ${job.state}; only a job that has ended can be restarted`)
    if (job.pictures !== null)
      throw new TrainyardError(
        'conflict',
        `Job ${jobId} predicted pictures that were sent to it: send them to its checkpoint again instead`,
      )
    await auditJob(context.identity, trx, caller, { action: 'job.restart', job })
    await openNextAttempt(trx, job, {
      now: context.clock.now(),
      runAfter: null,
      counted_retries: 0,
      free_retries: 0,
      error: null,
      fresh,
    })
  })
  context.hub.changed(jobId)
  context.hub.wake()
  return await getJob(context, caller, jobId)
}
