import type { MetricAxis } from '@trainyard/sdk/contract'
import { type Kysely, sql } from 'kysely'
import type { RunnerDatabase } from '../db/schema.ts'
import { BLOCK_POINTS, type SeriesRef } from './build-blocks.ts'
import { bucketSizeFor, downsample } from './downsample.ts'
import { readBlocks } from './read-blocks.ts'

export interface SeriesPoint {
  step: number
  value: number
  /** Milliseconds since 1970. */
  time: number
}

export interface Series {
  axis: MetricAxis
  count: number
  points: SeriesPoint[]
}

/** How much of a series has blocks. */
export interface SeriesExtent {
  blocks: number
  inBlocks: number
  /** Last step that is in a block; -1 without any. */
  lastBlocked: number
  /** Points after the last block. */
  tail: number
  /** Whether blocks are missing between others, because a late point fell there. */
  hasHoles: boolean
}

/** In one statement: all numbers are of the same moment. */
export async function readExtent(db: Kysely<RunnerDatabase>, of: SeriesRef): Promise<SeriesExtent> {
  const { rows } = await sql<SeriesExtent>`
    with extent as (
      select count(*) as blocks, coalesce(sum(count), 0)::float8 as "inBlocks", coalesce(max(to_step), -1) as "lastBlocked",
        -- They begin at 0, and no two have a step in common.
        coalesce(sum(to_step - from_step + 1), 0) <> coalesce(max(to_step), -1) + 1 as "hasHoles"
      from metric_blocks where ${isOf(of)}
    )
    select extent.*, (select count(*) from metrics where ${isOf(of)} and step > extent."lastBlocked") as tail
    from extent`.execute(db)
  return rows[0] ?? { blocks: 0, inBlocks: 0, lastBlocked: -1, tail: 0, hasHoles: false }
}

/**
 * A series in about `points` points, the same as `downsample` gives of all of them. Short series, and those that are asked for in
 * detail, are read whole; of long ones the blocks and what comes after them. `db` sees one moment, that of `extent`: a transaction.
 */
export async function readSeries(
  db: Kysely<RunnerDatabase>,
  of: SeriesRef,
  points: number,
  extent: SeriesExtent,
): Promise<Series> {
  const count = extent.inBlocks + extent.tail
  const bucketSize = bucketSizeFor(count, points)
  if (bucketSize < BLOCK_POINTS || extent.hasHoles || extent.blocks === 0) {
    const all = await readPoints(db, of, -1)
    return { axis: all.axis, count: all.points.length, points: downsample(all.points, points) }
  }
  const factor = bucketSize / BLOCK_POINTS
  const kept = new Map<number, SeriesPoint>()
  const buckets = await readBuckets(db, of, factor)
  const tail = await readPoints(db, of, extent.lastBlocked)
  // What has no block yet is cut as it will be, so that nothing moves when it gets one.
  for (const [index, point] of tail.points.entries()) {
    const number = Math.floor((extent.blocks + Math.floor(index / BLOCK_POINTS)) / factor)
    const bucket = buckets.get(number) ?? {}
    buckets.set(number, bucket)
    widen(bucket, point)
  }
  const ends = await readEnds(db, of)
  for (const point of ends.points) kept.set(point.step, point)
  for (const { low, high, nan } of buckets.values())
    for (const point of [low, high, nan]) if (point !== undefined) kept.set(point.step, point)
  return { axis: ends.axis, count, points: [...kept.values()].sort((a, b) => a.step - b.step) }
}

interface Bucket {
  low?: SeriesPoint
  high?: SeriesPoint
  nan?: SeriesPoint
}

function widen(bucket: Bucket, point: SeriesPoint): void {
  if (Number.isNaN(point.value)) bucket.nan ??= point
  else {
    if (bucket.low === undefined || point.value < bucket.low.value) bucket.low = point
    if (bucket.high === undefined || point.value > bucket.high.value) bucket.high = point
  }
}

async function readPoints(db: Kysely<RunnerDatabase>, of: SeriesRef, after: number) {
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
    from metrics where ${isOf(of)} and step > ${after}`.execute(db)
  const { axis, steps, values, times } = rows[0] ?? {}
  const points = (steps ?? []).map((step, index): SeriesPoint => {
    return { step, value: values?.[index] ?? Number.NaN, time: times?.[index] ?? 0 }
  })
  // A name that counts both ways is shown by step.
  return { axis: axis ?? 'step', points }
}

/** Blocks put together, each bucket of so many. */
async function readBuckets(db: Kysely<RunnerDatabase>, of: SeriesRef, factor: number): Promise<Map<number, Bucket>> {
  const blocks = await readBlocks(db, of)
  const buckets = new Map<number, Bucket>()
  for (let index = 0; index < blocks.length; index++) {
    const number = Math.floor(index / factor)
    const bucket = buckets.get(number) ?? {}
    buckets.set(number, bucket)
    for (const point of blocks.at(index)) widen(bucket, point)
  }
  return buckets
}

/** The first and the last point. */
async function readEnds(
  db: Kysely<RunnerDatabase>,
  of: SeriesRef,
): Promise<{ axis: MetricAxis; points: SeriesPoint[] }> {
  const columns = sql`axis, step::float8 as step, value, (extract(epoch from time) * 1000)::float8 as time`
  const { rows } = await sql<SeriesPoint & { axis: MetricAxis }>`
    (select ${columns} from metrics where ${isOf(of)} order by metrics.step limit 1)
    union all
    (select ${columns} from metrics where ${isOf(of)} order by metrics.step desc limit 1)`.execute(db)
  const axis = rows.some((row) => row.axis === 'step') ? 'step' : 'epoch'
  return { axis, points: rows.map(({ step, value, time }) => ({ step, value, time })) }
}

function isOf({ jobId, attempt, name }: SeriesRef) {
  return sql`job_id = ${jobId} and attempt = ${attempt} and name = ${name}`
}
