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
  return (await readBlockedSeries(db, series, points)) ?? (await readWholeSeries(db, series, points))
}

/** The same. Undefined when a block is missing between others, or when more than `maxLoose` points follow the last block. */
export async function readBlockedSeries(
  db: Kysely<RunnerDatabase>,
  series: SeriesRef,
  points: number,
  maxLoose?: number,
): Promise<Series | undefined> {
  // One statement, so that all parts are of the same snapshot.
  const row = await readRow(db, series, maxLoose)
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
type Row = { inBlocks: number; hasHoles: boolean; axes: string | null } & Record<Columns, Buffer>

/** The blocks of a series, the points after them, and its first and last point. */
async function readRow(db: Kysely<RunnerDatabase>, series: SeriesRef, maxLoose: number | undefined): Promise<Row> {
  const { rows } = await sql<Row>`
    with blocks as (
      select coalesce(sum(count), 0)::float8 as "inBlocks", coalesce(max(to_step), -1) as last,
        -- Blocks start at 0 and do not overlap.
        coalesce(sum(to_step - from_step + 1), 0) <> coalesce(max(to_step), -1) + 1 as "hasHoles",
        ${packSteps('low_step')} as "lowSteps", ${packValues('low_value')} as "lowValues", ${packTimes('low_time')} as "lowTimes",
        ${packSteps('high_step')} as "highSteps", ${packValues('high_value')} as "highValues",
        ${packTimes('high_time')} as "highTimes",
        ${packSteps('nan_step')} as "nanSteps", ${packValues('nan_value')} as "nanValues", ${packTimes('nan_time')} as "nanTimes"
      from (
        select *, null::float8 as nan_value from metric_blocks where ${isOf(series)} order by to_step
      ) as block
    ),
    tail as (
      select ${packSteps('step')} as "tailSteps", ${packValues('value')} as "tailValues", ${packTimes('time')} as "tailTimes",
        string_agg(distinct axis, ',') as tail_axes
      from (
        select axis, step, value, time from metrics where ${isOf(series)} and step > (select last from blocks)
        order by step limit ${maxLoose === undefined ? null : maxLoose + 1}::bigint
      ) as point
    ),
    ends as (
      select ${packSteps('step')} as "endSteps", ${packValues('value')} as "endValues", ${packTimes('time')} as "endTimes",
        string_agg(axis, ',') as end_axes
      from (
        (select axis, step, value, time from metrics where ${isOf(series)} order by step limit 1)
        union all
        (select axis, step, value, time from metrics where ${isOf(series)} order by step desc limit 1)
      ) as point
    )
    select *, concat_ws(',', end_axes, tail_axes) as axes from blocks, tail, ends`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('expected 1 row of the aggregate, got 0')
  return row
}

function isOf({ jobId, attempt, name }: SeriesRef) {
  return sql`job_id = ${jobId} and attempt = ${attempt} and name = ${name}`
}
