import type { JobList } from '@trainyard/contract'
import { type Caller, projectsFor, requireScope } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { countJobs } from './count-jobs.ts'
import { type JobFilter, matchJobs } from './filter-jobs.ts'
import { SUMMARY_COLUMNS, type SummaryRow, toSummaryFor } from './job-view.ts'

export interface ListJobsQuery extends JobFilter {
  /** `organisation/project` */
  project?: string | undefined
  sort?: 'newest' | 'oldest' | 'best' | undefined
  /** Count values over the whole result. */
  facets?: boolean | undefined
  /** Also read the settings of each job and all its latest metrics. */
  details?: boolean | undefined
  /** Id of the last job of the previous page. */
  cursor?: number | undefined
  limit: number
}

/** The higher the better, whatever the goal of the metric. NaN and jobs without a value come last. */
const score = sql<number>`coalesce(case when jsonb_typeof(latest_metrics -> (primary_metric ->> 'name')) = 'number'
  then (latest_metrics ->> (primary_metric ->> 'name'))::float8
    * case when primary_metric ->> 'goal' = 'minimize' then -1 else 1 end end, '-infinity'::float8)`

/** Settings that fit a table: those that a trainer defined as long texts or lists stay in the database. */
const tableSettings = sql<SummaryRow['settings']>`(
  select coalesce(jsonb_object_agg(listed.key, listed.value), '{}') from (
    select setting.key, setting.value from (
      select * from jsonb_each(jobs.config -> 'basic') union all select * from jsonb_each(jobs.config -> 'advanced')
    ) as setting
    where jsonb_typeof(setting.value) in ('number', 'boolean', 'string') and octet_length(setting.value::text) <= 102
    order by setting.key limit 40
  ) as listed)`

/** Lists the jobs of the caller's projects. The cursor is an id, so that new jobs do not shift the pages. */
export async function listJobs(context: RunnerContext, caller: Caller, query: ListJobsQuery): Promise<JobList> {
  requireScope(caller, 'jobs:read')
  const projects = projectsFor(caller, 'jobs:read')
    .filter(({ name }) => query.project === undefined || query.project === name)
    .map(({ id }) => id)
  if (projects.length === 0) return { jobs: [] }
  const isOldestFirst = query.sort === 'oldest'
  let select = context.database.db
    .selectFrom('jobs')
    .select(SUMMARY_COLUMNS)
    // Manifests, tracebacks and thousands of metrics stay in the database.
    .select([
      sql<SummaryRow['trainer']>`jsonb_build_object('name', trainer -> 'name', 'version', trainer -> 'version',
        'displayName', trainer -> 'manifest' -> 'displayName', 'digest', trainer -> 'digest',
        'framework', trainer -> 'manifest' -> 'framework')`.as('trainer'),
      sql<SummaryRow['primary_value']>`latest_metrics -> (primary_metric ->> 'name')`.as('primary_value'),
      sql<SummaryRow['error']>`case when error is not null then jsonb_strip_nulls(
        jsonb_build_object('errorType', error -> 'errorType', 'message', left(error ->> 'message', 300))) end`.as(
        'error',
      ),
      (query.details ? tableSettings : sql<SummaryRow['settings']>`null::jsonb`).as('settings'),
      (query.details ? sql<SummaryRow['metrics']>`latest_metrics` : sql<SummaryRow['metrics']>`null::jsonb`).as(
        'metrics',
      ),
    ])
    .where(matchJobs(projects, query))
    .limit(query.limit + 1)
  if (query.sort === 'best') select = select.orderBy(score, 'desc')
  select = select.orderBy('id', isOldestFirst ? 'asc' : 'desc')
  if (query.cursor !== undefined)
    select =
      query.sort === 'best'
        ? select.where(sql<boolean>`(${score}, id) < (select ${score}, id from jobs where id = ${query.cursor})`)
        : select.where('id', isOldestFirst ? '>' : '<', query.cursor)
  const [rows, facets] = await Promise.all([
    select.execute(),
    query.facets ? countJobs(context, projects, query) : undefined,
  ])
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    jobs: page.map((row) => toSummaryFor(caller, row)),
    facets,
    nextCursor: rows.length > query.limit && last !== undefined ? String(last.id) : undefined,
  }
}
