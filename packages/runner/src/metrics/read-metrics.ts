import { encodeMetric, type MetricAxis, type MetricSeriesList } from '@trainyard/sdk/contract'
import { type Kysely, sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { RunnerDatabase } from '../db/schema.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { downsample } from './downsample.ts'

export interface ReadMetricsQuery {
  name?: string | undefined
  attempt?: number | undefined
  /** About how many points of each series are wanted. */
  points: number
}

export async function readMetrics(
  context: { database: Pick<RunnerContext['database'], 'db'> },
  jobId: number,
  query: ReadMetricsQuery,
): Promise<MetricSeriesList> {
  const { db } = context.database
  const job = await getJobRow(db, jobId)
  const attempt = query.attempt ?? job.attempt
  const series: MetricSeriesList['series'] = []
  // One series at a time: memory holds a million points of one, not of all.
  for (const name of await seriesNames(db, jobId, attempt, query.name)) {
    series.push(await readSeries(db, { jobId, attempt, name }, query.points))
  }
  return { attempt, series }
}

/** The names of an attempt's series, by skipping through the primary key instead of reading every point. */
async function seriesNames(db: Kysely<RunnerDatabase>, jobId: number, attempt: number, only?: string) {
  if (only !== undefined) return [only]
  const { rows } = await sql<{ name: string }>`
    with recursive names as (
      (select name from metrics where job_id = ${jobId} and attempt = ${attempt} order by name limit 1)
      union all
      select (select m.name from metrics m where m.job_id = ${jobId} and m.attempt = ${attempt} and m.name > names.name
              order by m.name limit 1)
      from names where names.name is not null
    )
    select name from names where name is not null`.execute(db)
  return rows.map((row) => row.name)
}

async function readSeries(
  db: Kysely<RunnerDatabase>,
  of: { jobId: number; attempt: number; name: string },
  points: number,
): Promise<MetricSeriesList['series'][number]> {
  // Packed into three arrays: a row object a point would cost more than reading it.
  const { rows } = await sql<{
    axis: MetricAxis | null
    steps: number[] | null
    values: number[] | null
    times: number[] | null
  }>`
    select max(axis) as axis,
           array_agg(step::float8 order by step) as steps,
           array_agg(value order by step) as values,
           array_agg((extract(epoch from time) * 1000)::float8 order by step) as times
    from metrics where job_id = ${of.jobId} and attempt = ${of.attempt} and name = ${of.name}`.execute(db)
  const { axis, steps, values, times } = rows[0] ?? {}
  const all = (steps ?? []).map((step, index) => ({
    step,
    value: values?.[index] ?? Number.NaN,
    time: times?.[index] ?? 0,
  }))
  return {
    name: of.name,
    // A name that counts both ways is shown by step.
    axis: axis ?? 'step',
    count: all.length,
    points: downsample(all, points).map((point) => ({
      step: point.step,
      value: encodeMetric(point.value),
      time: new Date(point.time).toISOString(),
    })),
  }
}
