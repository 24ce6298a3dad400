import type { JobList } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { type JobFilter, matchJobs } from './filter-jobs.ts'

/** The fields that are counted, each with its column. */
const FIELDS = {
  state: 'state',
  operation: 'operation',
  trainer: 'trainer_name',
  dataset: 'dataset_id',
} as const
const MAX_VALUES = 50

type Facets = NonNullable<JobList['facets']>

/**
 * How many jobs have each value, over the whole result: filters show what they lead to, not what one page has. One statement, because
 * each one costs the event loop more than counting costs the database.
 */
export async function countJobs(
  { database }: Pick<RunnerContext, 'database'>,
  projects: readonly string[],
  filter: JobFilter,
): Promise<Facets> {
  const count = (field: keyof typeof FIELDS) => {
    const column = FIELDS[field]
    return database.db
      .selectFrom('jobs')
      .select([sql.lit(field).as('field'), sql<string>`${sql.ref(column)}::text`.as('value')])
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where(matchJobs(projects, { ...filter, [field]: undefined }))
      .where(column, 'is not', null)
      .groupBy(column)
      .orderBy('count', 'desc')
      .orderBy(column)
      .limit(MAX_VALUES)
  }
  const { rows } = await sql<{ field: keyof Facets; value: string; count: string }>`
    (${count('state')}) union all (${count('operation')}) union all (${count('trainer')}) union all (${count('dataset')})
    order by count desc, value`.execute(database.db)
  const facets: Facets = { state: [], operation: [], trainer: [], dataset: [] }
  for (const { field, value, count: found } of rows) facets[field].push({ value, count: Number(found) })
  return facets
}
