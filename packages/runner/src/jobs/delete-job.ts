import { type Caller, notFound, TrainyardError } from '@trainyard/platform'
import { auditJob } from '../auth/audit.ts'
import type { RunnerContext } from '../context.ts'
import { deleteLater, finishDeletions } from '../datasets/index.ts'
import { countUsage } from '../usage/count-usage.ts'
import { meterAttempts } from '../usage/meter-attempts.ts'
import { isTerminalJobState } from './statuses.ts'
import { jobPrefix } from './storage-keys.ts'

/** Deletes a job that has ended, with its journal, metrics, logs and files. */
export async function deleteJob(context: RunnerContext, caller: Caller, jobId: number): Promise<void> {
  const used = await context.database.transaction(async (trx) => {
    const job = await trx
      .selectFrom('jobs')
      .select(['id', 'project_id', 'name', 'state'])
      .where('id', '=', jobId)
      .forUpdate()
      .executeTakeFirst()
    if (job === undefined) throw notFound('job', jobId)
    if (!isTerminalJobState(job.state))
      throw new TrainyardError('conflict', `Job ${jobId} is ${job.state}; cancel it, then delete it`)
    const alive = await trx
      .selectFrom('attempts')
      .select('attempt')
      .where('job_id', '=', jobId)
      .where('launched_at', 'is not', null)
      .where('cleaned_at', 'is', null)
      .executeTakeFirst()
    if (alive !== undefined)
      throw new TrainyardError(
        'conflict',
        `The trainer of job ${jobId} is still being stopped; try again in a moment`,
        {
          retryAfterSeconds: 2,
        },
      )
    const user = await trx
      .selectFrom('jobs')
      .innerJoin('artifacts', 'artifacts.id', 'jobs.checkpoint_id')
      .select('jobs.id')
      .where('artifacts.job_id', '=', jobId)
      .where('jobs.id', '!=', jobId)
      .where('jobs.state', 'in', ['pending', 'queued', 'running'])
      .executeTakeFirst()
    if (user !== undefined)
      throw new TrainyardError(
        'conflict',
        `Job ${user.id} is using a checkpoint of job ${jobId}; wait until it has ended`,
      )
    const unfinished = await trx
      .selectFrom('artifacts')
      .select(['storage_key', 'upload_id'])
      .where('job_id', '=', jobId)
      .where('upload_id', 'is not', null)
      .execute()
    const uploads = unfinished.map(({ storage_key: prefix, upload_id }) => ({ prefix, uploadId: upload_id ?? '' }))
    await deleteLater(trx, [{ prefix: jobPrefix(jobId) }, ...uploads], context.clock.now())
    const counted = await meterAttempts(trx, { now: context.clock.now(), jobId })
    for (const table of ['artifacts', 'logs', 'metrics', 'metric_blocks', 'events', 'event_chunks'] as const)
      await trx.deleteFrom(table).where('job_id', '=', jobId).execute()
    await trx.deleteFrom('jobs').where('id', '=', jobId).execute()
    await auditJob(context.identity, trx, caller, { action: 'job.delete', job })
    return counted
  })
  countUsage(context, used)
  // After the commit, because objects without rows only waste space, while rows without objects are broken.
  await finishDeletions(context)
  context.hub.changed(jobId)
}
