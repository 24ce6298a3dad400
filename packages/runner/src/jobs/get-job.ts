import { notFound } from '@trainyard/platform'
import type { Job } from '@trainyard/sdk/contract'
import type { Kysely } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { JobRow, RunnerDatabase } from '../db/schema.ts'
import { toJob } from './job-view.ts'

export async function getJob(context: RunnerContext, jobId: number): Promise<Job> {
  return toJob(await getJobRow(context.database.db, jobId))
}

export async function getJobRow(db: Kysely<RunnerDatabase>, jobId: number): Promise<JobRow> {
  const row = await db.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst()
  if (row === undefined) throw notFound('job', jobId)
  return row
}
