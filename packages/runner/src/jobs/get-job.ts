import type { Job } from '@trainyard/contract'
import { type Caller, notFound } from '@trainyard/platform'
import type { Kysely } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { getSplitRequest } from '../datasets/index.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { toJobFor } from './job-view.ts'
import { listExperiments } from './list-experiments.ts'

export async function getJob(context: RunnerContext, caller: Caller, jobId: number): Promise<Job> {
  const row = await getJobRow(context.database.db, jobId)
  const [experiments, split] = await Promise.all([
    listExperiments(context.database.db, { jobId, attempt: row.attempt }),
    row.split_id === null ? undefined : getSplitRequest(context, row.split_id),
  ])
  return {
    ...toJobFor(caller, row),
    experiments,
    split,
    checkpoint: row.checkpoint_id ?? undefined,
    exportFormat: row.export_format ?? undefined,
    deadlineSeconds: row.deadline_seconds ?? undefined,
  }
}

export async function getJobRow(db: Kysely<RunnerDatabase>, jobId: number): Promise<JobRow> {
  const row = await db.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst()
  if (row === undefined) throw notFound('job', jobId)
  return row
}
