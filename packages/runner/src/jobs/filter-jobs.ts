import type { JobState, Operation } from '@trainyard/contract'
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'

export interface JobFilter {
  state?: JobState | undefined
  operation?: Operation | undefined
  /** Name of a trainer, without a range. */
  trainer?: string | undefined
  /** Id of a dataset. */
  dataset?: string | undefined
  /** Text in the name, trainer, model or dataset, or the number of a job. */
  q?: string | undefined
}

/** A condition on the jobs of some projects. */
export function matchJobs(projects: readonly string[], filter: JobFilter) {
  return (eb: ExpressionBuilder<RunnerDatabase, 'jobs'>): Expression<SqlBool> => {
    const conditions = [eb('project_id', 'in', projects)]
    if (filter.state !== undefined) conditions.push(eb('state', '=', filter.state))
    if (filter.operation !== undefined) conditions.push(eb('operation', '=', filter.operation))
    if (filter.trainer !== undefined) conditions.push(eb('trainer_name', '=', filter.trainer))
    if (filter.dataset !== undefined) conditions.push(eb('dataset_id', '=', filter.dataset))
    if (filter.q !== undefined) {
      // Signs that LIKE takes for wildcards are what people type in names: "run_1", "50%".
      const pattern = `%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`
      const number = /^#?([1-9]\d{0,14})$/.exec(filter.q.trim())?.[1]
      const found = (['name', 'trainer_name', 'model', 'dataset_name'] as const).map((column) =>
        eb(column, 'ilike', pattern),
      )
      const display = sql<SqlBool>`trainer -> 'manifest' ->> 'displayName' ilike ${pattern}`
      conditions.push(eb.or([...found, display, ...(number === undefined ? [] : [eb('id', '=', Number(number))])]))
    }
    return eb.and(conditions)
  }
}
