import { encodeMetric, type MetricSeriesList } from '@trainyard/contract'
import { type Database, formatCursor, parseCursor } from '@trainyard/platform'
import { z } from 'zod'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { buildBlocks } from './build-blocks.ts'
import { readBlockedSeries, readSeries, type SeriesSelection } from './read-series.ts'
import { BLOCK_POINTS, type Series, type SeriesRef } from './series.ts'

export interface ReadMetricsQuery {
  name?: string | undefined
  /** Only the series of the job's `latestMetrics`. */
  only?: 'latest' | undefined
  attempt?: number | undefined
  /** Approximate number of points of each series. */
  points: number
  cursor?: string | undefined
  /** Series on a page. Default: 100. */
  limit?: number | undefined
}

/** Without `transaction`, `db` is a transaction itself. */
type MetricsDatabase = Pick<Database<RunnerDatabase>, 'db'> & Partial<Pick<Database<RunnerDatabase>, 'transaction'>>

/** The content of a cursor: the last name of a page. */
const LastName = z.tuple([z.string()])
/** Points on one page. A page of series with many points has fewer series. */
const MAX_PAGE_POINTS = 1_000_000

/** Reads one page of the metrics of one attempt in the order of their names, downsampled. */
export async function readMetrics(
  context: { database: MetricsDatabase },
  jobId: number,
  query: ReadMetricsQuery,
): Promise<MetricSeriesList> {
  const { db } = context.database
  const job = await getJobRow(db, jobId)
  const attempt = query.attempt ?? job.attempt
  const limit = Math.max(1, Math.min(query.limit ?? 100, Math.floor(MAX_PAGE_POINTS / query.points)))
  const names = selectNames(query, Object.keys(job.latest_metrics), limit)
  const maxLoose = context.database.transaction === undefined ? undefined : MAX_LOOSE_POINTS
  const read = await readBlockedSeries(db, { jobId, attempt, names }, { points: query.points, maxLoose })
  const series: MetricSeriesList['series'] = []
  for (const { name, series: found } of read.slice(0, limit)) {
    const { axis, count, points } =
      found ?? (await readUnprepared(context.database, { jobId, attempt, name }, query.points))
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
  const last = series.at(-1)
  const hasMore = read.length > series.length && last !== undefined
  return {
    attempt,
    series,
    nextCursor: hasMore ? formatCursor([last.name] satisfies z.infer<typeof LastName>) : undefined,
  }
}

/** One name more than the page has, to know whether another page follows. */
function selectNames(
  { name, only, cursor }: ReadMetricsQuery,
  latest: readonly string[],
  limit: number,
): SeriesSelection['names'] {
  const after = cursor === undefined ? undefined : parseCursor(LastName, cursor)[0]
  if (name !== undefined) return [name]
  if (only === undefined) return { after, limit: limit + 1 }
  const isAfter = (one: string) => after === undefined || one > after
  return latest
    .filter(isAfter)
    .toSorted()
    .slice(0, limit + 1)
}

/** Points without a block that are read directly. More are put into blocks first. */
const MAX_LOOSE_POINTS = 32 * BLOCK_POINTS

/** Puts the points of a series into blocks first, where that is possible. */
async function readUnprepared(database: MetricsDatabase, series: SeriesRef, points: number): Promise<Series> {
  const { db, transaction } = database
  if (transaction !== undefined)
    await buildBlocks({ db, transaction }, { jobId: series.jobId, attempt: series.attempt, names: [series.name] })
  return await readSeries(db, series, points)
}
