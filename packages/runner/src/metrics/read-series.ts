import type { MetricAxis } from '@trainyard/contract'
import { type Kysely, sql } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { bucketSizeFor, downsample } from './downsample.ts'
import { type Extremes, widen } from './extremes.ts'
import {
  countPacked,
  type PackedPoints,
  packPoints,
  packSteps,
  packTimes,
  packValues,
  pointAt,
  unpackPoints,
} from './packed-points.ts'
import { BLOCK_POINTS, type Series, type SeriesPoint, type SeriesRef } from './series.ts'

/**
 * Reads a series in about `points` points, with the same result as `downsample` of all its points. Reads all points of a short
 * series, or if much detail is requested; otherwise only the blocks and the points after them.
 */
export async function readSeries(db: Kysely<RunnerDatabase>, series: SeriesRef, points: number): Promise<Series> {
  const [read] = await readBlockedSeries(db, { ...series, names: [series.name] }, { points })
  return read?.series ?? (await readWholeSeries(db, series, points))
}

/** Which series of an attempt to read: named ones, or those that follow a name in alphabetical order. */
export interface SeriesSelection {
  jobId: number
  attempt: number
  names: readonly string[] | { after: string | undefined; limit: number }
}

export interface ReadSeriesOptions {
  /** Approximate number of points of each series. */
  points: number
  /** Number of points after the last block up to which they are read. Default: no limit. */
  maxLoose?: number | undefined
}

export interface NamedSeries {
  name: string
  /** Undefined when a block is missing between others, or when more than `maxLoose` points follow the last block. */
  series: Series | undefined
}

/** The same for many series, with one statement: all parts of a series are of the same snapshot. */
export async function readBlockedSeries(
  db: Kysely<RunnerDatabase>,
  selection: SeriesSelection,
  options: ReadSeriesOptions,
): Promise<NamedSeries[]> {
  const read: NamedSeries[] = []
  for (const row of await readRows(db, selection, options.maxLoose)) {
    const { jobId, attempt } = selection
    read.push({ name: row.name, series: await seriesOf(db, { jobId, attempt, name: row.name }, row, options) })
  }
  return read
}

async function seriesOf(
  db: Kysely<RunnerDatabase>,
  series: SeriesRef,
  row: Row,
  { points, maxLoose }: ReadSeriesOptions,
): Promise<Series | undefined> {
  const tail = unpackPoints({ steps: row.tailSteps, values: row.tailValues, times: row.tailTimes })
  if (row.hasHoles || tail.length > (maxLoose ?? Number.POSITIVE_INFINITY)) return undefined
  const count = row.inBlocks + tail.length
  // A name with points by step and by epoch is shown by step.
  const axis = row.axes?.includes('epoch') && !row.axes.includes('step') ? 'epoch' : 'step'
  const blocks = countPacked({ steps: row.lowSteps })
  if (blocks === 0) return { axis, count, points: downsample(tail, points) }
  const bucketSize = bucketSizeFor(count, points)
  if (bucketSize < BLOCK_POINTS) return await readWholeSeries(db, series, points)

  const factor = bucketSize / BLOCK_POINTS
  const buckets: Extremes[] = []
  const put = (block: number, point: SeriesPoint | undefined) => {
    if (point === undefined) return
    const number = Math.floor(block / factor)
    const bucket = buckets[number] ?? {}
    buckets[number] = bucket
    widen(bucket, point)
  }
  const lows = { steps: row.lowSteps, values: row.lowValues, times: row.lowTimes }
  const highs = { steps: row.highSteps, values: row.highValues, times: row.highTimes }
  const nans = { steps: row.nanSteps, values: row.nanValues, times: row.nanTimes }
  for (let block = 0; block < blocks; block++)
    for (const extremes of [lows, highs, nans]) put(block, pointAt(extremes, block))
  // Points without a block are grouped like future blocks, so that the result does not change when they get one.
  for (const [index, point] of tail.entries()) put(blocks + Math.floor(index / BLOCK_POINTS), point)
  const kept = new Map<number, SeriesPoint>()
  const ends = unpackPoints({ steps: row.endSteps, values: row.endValues, times: row.endTimes })
  for (const point of [...ends, ...buckets.flatMap(({ low, high, nan }) => [low, high, nan])])
    if (point !== undefined) kept.set(point.step, point)
  return { axis, count, points: [...kept.values()].sort((a, b) => a.step - b.step) }
}

async function readWholeSeries(db: Kysely<RunnerDatabase>, series: SeriesRef, points: number): Promise<Series> {
  const { rows } = await sql<PackedPoints & { axis: MetricAxis | null }>`
    select max(axis) as axis, ${packPoints()}
    from (select axis, step, value, time from metrics where ${isOf(series)} order by step) as point`.execute(db)
  const all = rows[0] === undefined ? [] : unpackPoints(rows[0])
  return { axis: rows[0]?.axis ?? 'step', count: all.length, points: downsample(all, points) }
}

type Columns = `${'low' | 'high' | 'nan' | 'tail' | 'end'}${'Steps' | 'Values' | 'Times'}`
type Row = { name: string; inBlocks: number; hasHoles: boolean; axes: string | null } & Record<Columns, Buffer>

/** The blocks of each series, the points after them, and its first and last point. */
async function readRows(
  db: Kysely<RunnerDatabase>,
  selection: SeriesSelection,
  maxLoose: number | undefined,
): Promise<Row[]> {
  const ofSeries = sql`job_id = ${selection.jobId} and attempt = ${selection.attempt} and name = n.name`
  const { rows } = await sql<Row>`
    select n.name, s.* from (${namesOf(selection)}) as n(name) cross join lateral (
    with blocks as (
      select coalesce(sum(count), 0)::float8 as "inBlocks", coalesce(max(to_step), -1) as last,
        -- Blocks start at 0 and do not overlap.
        coalesce(sum(to_step - from_step + 1), 0) <> coalesce(max(to_step), -1) + 1 as "hasHoles",
        ${packSteps('low_step')} as "lowSteps", ${packValues('low_value')} as "lowValues", ${packTimes('low_time')} as "lowTimes",
        ${packSteps('high_step')} as "highSteps", ${packValues('high_value')} as "highValues",
        ${packTimes('high_time')} as "highTimes",
        ${packSteps('nan_step')} as "nanSteps", ${packValues('nan_value')} as "nanValues", ${packTimes('nan_time')} as "nanTimes"
      from (
        select *, null::float8 as nan_value from metric_blocks where ${ofSeries} order by to_step
      ) as block
    ),
    tail as (
      select ${packSteps('step')} as "tailSteps", ${packValues('value')} as "tailValues", ${packTimes('time')} as "tailTimes",
        string_agg(distinct axis, ',') as tail_axes
      from (
        select axis, step, value, time from metrics where ${ofSeries} and step > (select last from blocks)
        order by step limit ${maxLoose === undefined ? null : maxLoose + 1}::bigint
      ) as point
    ),
    ends as (
      select ${packSteps('step')} as "endSteps", ${packValues('value')} as "endValues", ${packTimes('time')} as "endTimes",
        string_agg(axis, ',') as end_axes
      from (
        (select axis, step, value, time from metrics where ${ofSeries} order by step limit 1)
        union all
        (select axis, step, value, time from metrics where ${ofSeries} order by step desc limit 1)
      ) as point
    )
    select *, concat_ws(',', end_axes, tail_axes) as axes from blocks, tail, ends
    ) s order by n.name`.execute(db)
  return rows
}

/** All names are found by skipping from name to name in the primary key, instead of reading every point. */
function namesOf({ jobId, attempt, names }: SeriesSelection) {
  if (!('limit' in names)) return sql`select unnest(${names}::text[])`
  const isNext = names.after === undefined ? sql`true` : sql`name > ${names.after}`
  return sql`
    with recursive names as (
      (select name from metrics where job_id = ${jobId} and attempt = ${attempt} and ${isNext} order by name limit 1)
      union all
      select (select m.name from metrics m where m.job_id = ${jobId} and m.attempt = ${attempt} and m.name > names.name
              order by m.name limit 1)
      from names where names.name is not null
    )
    select name from names where name is not null limit ${names.limit}`
}

function isOf({ jobId, attempt, name }: SeriesRef) {
  return sql`job_id = ${jobId} and attempt = ${attempt} and name = ${name}`
}
