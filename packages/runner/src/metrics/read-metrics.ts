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
  /** Approximate number of points of each series. */
  points: number
}

/** Without `transaction`, `db` is a transaction itself. */
type MetricsDatabase = Pick<Database<RunnerDatabase>, 'db'> & Partial<Pick<Database<RunnerDatabase>, 'transaction'>>

/** Reads the metrics of one attempt, downsampled. */
export async function readMetrics(
  context: { database: MetricsDatabase },
  jobId: number,
  query: ReadMetricsQuery,
): Promise<MetricSeriesList> {
  const { db } = context.database
  const job = await getJobRow(db, jobId)
  const attempt = query.attempt ?? job.attempt
  const series: MetricSeriesList['series'] = []
  // One series at a time, so that memory holds the points of one series only.
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

/** Points without a block that are read directly. More are put into blocks first. */
const MAX_LOOSE_POINTS = 32 * BLOCK_POINTS

async function readOne(database: MetricsDatabase, series: SeriesRef, points: number): Promise<Series> {
  const { db, transaction } = database
  if (transaction === undefined) return await readSeries(db, series, points)
  const read = await readBlockedSeries(db, series, points, MAX_LOOSE_POINTS)
  if (read !== undefined) return read
  await buildBlocks({ db, transaction }, { jobId: series.jobId, attempt: series.attempt, names: [series.name] })
  return await readSeries(db, series, points)
}

/** The names of an attempt's series. Skips from name to name in the primary key instead of reading every point. */
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
