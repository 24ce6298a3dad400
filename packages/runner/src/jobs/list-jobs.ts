import type { JobList, JobState } from '@trainyard/sdk/contract'
import type { RunnerContext } from '../context.ts'
import { toJob } from './job-view.ts'

export interface ListJobsQuery {
  state?: JobState | undefined
  /** Name of a trainer, without a range. */
  trainer?: string | undefined
  /** Id of the last job of the page before. */
  cursor?: number | undefined
  limit: number
}

/** Newest first. The cursor is an id, so that pages stay whole while jobs are added. */
export async function listJobs(context: RunnerContext, query: ListJobsQuery): Promise<JobList> {
  let select = context.database.db
    .selectFrom('jobs')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.state !== undefined) select = select.where('state', '=', query.state)
  if (query.trainer !== undefined) select = select.where('trainer_name', '=', query.trainer)
  if (query.cursor !== undefined) select = select.where('id', '<', query.cursor)
  const rows = await select.execute()
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    jobs: page.map(toJob),
    ...(rows.length > query.limit && last !== undefined ? { nextCursor: String(last.id) } : {}),
  }
}
