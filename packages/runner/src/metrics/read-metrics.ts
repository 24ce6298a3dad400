import { encodeMetric, type MetricSeriesList } from '@trainyard/contract'
import type { Database } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { buildBlocks } from './build-blocks.ts'
import { readBlockedSeries, readSeries } from './read-series.ts'
import { BLOCK_POINTS, type Series, type SeriesRef } from './series.ts'

export interface ReadMetricsQuery {
  name?: string | undefined
  attempt?: number | undefined
  /** About how many points of each series are wanted. */
  points: number
}

/** Without `transaction`, `db` is one already. */
type MetricsDatabase = Pick<Database<RunnerDatabase>, 'db'> & Partial<Pick<Database<RunnerDatabase>, 'transaction'>>

export async function readMetrics(
  context: { database: MetricsDatabase },
  jobId: number,
  query: ReadMetricsQuery,
): Promise<MetricSeriesList> {
  const { db } = context.database
  const job = await getJobRow(db, jobId)
  const attempt = query.attempt ?? job.attempt
  const series: MetricSeriesList['series'] = []
  // One series at a time: memory holds a million points of one, not of all.
  for (const name of await seriesNames(db, jobId, attempt, query.name)) {
    const { axis, count, points } = await readOne(context.database, { jobId, attempt, name }, query.points)
    series.push({
      name,
      axis,
      count,
      points: points.map(({ step, value, time }) => ({
        step,
        value: encodeMetric(value),
        time: new Date(time).toISOString(),
      })),
    })
  }
  return { attempt, series }
}

/** Points without a block that may be read as they are; more are put into blocks first. */
const MAX_LOOSE_POINTS = 32 * BLOCK_POINTS

async function readOne(database: MetricsDatabase, of: SeriesRef, points: number): Promise<Series> {
  const { db, transaction } = database
  if (transaction === undefined) return await readSeries(db, of, points)
  const series = await readBlockedSeries(db, of, points, MAX_LOOSE_POINTS)
  if (series !== undefined) return series
  await buildBlocks({ db, transaction }, { jobId: of.jobId, attempt: of.attempt, names: [of.name] })
  return await readSeries(db, of, points)
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
