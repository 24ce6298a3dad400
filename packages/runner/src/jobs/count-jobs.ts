import type { JobList } from '@trainyard/contract'
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

/** How many jobs have each value, over the whole result: filters show what they lead to, not what one page has. */
export async function countJobs(
  { database }: Pick<RunnerContext, 'database'>,
  projects: readonly string[],
  filter: JobFilter,
): Promise<Facets> {
  const count = async (field: keyof typeof FIELDS) => {
    const column = FIELDS[field]
    const rows = await database.db
      .selectFrom('jobs')
      .select([`${column} as value`, (eb) => eb.fn.countAll<string>().as('count')])
      .where(matchJobs(projects, { ...filter, [field]: undefined }))
      .where(column, 'is not', null)
      .groupBy(column)
      .orderBy('count', 'desc')
      .orderBy(column)
      .limit(MAX_VALUES)
      .execute()
    return rows.flatMap(({ value, count: found }) => (value === null ? [] : [{ value, count: Number(found) }]))
  }
  const [state, operation, trainer, dataset] = await Promise.all([
    count('state'),
    count('operation'),
    count('trainer'),
    count('dataset'),
  ])
  return { state, operation, trainer, dataset }
}
