import type { Database } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { type Extremes, widen } from './extremes.ts'
import { countPacked, type PackedPoints, packPoints, unpackPoints } from './packed-points.ts'
import { BLOCK_POINTS, type SeriesPoint, type SeriesRef } from './series.ts'

/** Points that one transaction reads, during which the intake of the attempt waits. */
const POINTS_AT_ONCE = 256 * BLOCK_POINTS

/** Some series of one attempt. */
export interface SeriesGroup {
  jobId: number
  attempt: number
  names: readonly string[]
}

/**
 * Stores the extremes of every {@link BLOCK_POINTS} points of some series: of new points at the end, and of blocks that were
 * deleted because a late point arrived. Blocks are derived data, so readers also work without them.
 */
export async function buildBlocks(
  database: Pick<Database<RunnerDatabase>, 'db' | 'transaction'>,
  group: SeriesGroup,
): Promise<void> {
  const { jobId, attempt } = group
  // Intake inserts points and deletes stale blocks under this lock.
  const locked = <T>(work: (trx: Kysely<RunnerDatabase>) => Promise<T>) =>
    database.transaction(async (trx) => {
      await trx
        .selectFrom('attempts')
        .select('attempt')
        .where('job_id', '=', jobId)
        .where('attempt', '=', attempt)
        .forNoKeyUpdate()
        .execute()
      return await work(trx)
    })
  for (const name of await findSeriesWithHoles(database.db, group)) {
    await locked(async (trx) => {
      const series = { jobId, attempt, name }
      for (const hole of await findHoles(trx, series)) await fillHole(trx, series, hole)
    })
  }
  while (await locked((trx) => appendBlocks(trx, group)));
}

/** Runs without the lock, because few series have holes. */
async function findSeriesWithHoles(db: Kysely<RunnerDatabase>, group: SeriesGroup): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from metric_blocks
    where job_id = ${group.jobId} and attempt = ${group.attempt} and name = any(${group.names}::text[])
    group by name having sum(to_step - from_step + 1) <> max(to_step) + 1`.execute(db)
  return rows.map(({ name }) => name)
}

/** Steps between two blocks that no block covers. */
interface Hole {
  low: number
  high: number
}

async function findHoles(db: Kysely<RunnerDatabase>, series: SeriesRef): Promise<Hole[]> {
  const { rows } = await sql<Hole>`
    select low, high from (
      select lag(to_step, 1, -1::bigint) over (order by to_step) + 1 as low, from_step - 1 as high
      from metric_blocks where job_id = ${series.jobId} and attempt = ${series.attempt} and name = ${series.name}
    ) as gaps where low <= high`.execute(db)
  return rows
}

/** Builds the blocks of new points. True when more blocks may be due. */
async function appendBlocks(db: Kysely<RunnerDatabase>, group: SeriesGroup): Promise<boolean> {
  const limit = Math.max(1, Math.floor(POINTS_AT_ONCE / BLOCK_POINTS / group.names.length)) * BLOCK_POINTS
  // One statement for all series, because the lock is held during each round trip.
  const { rows } = await sql<PackedPoints & { name: string; last: number }>`
    select s.name, b.last, p.*
    from unnest(${group.names}::text[]) as s(name)
      cross join lateral (
        select coalesce(max(to_step), -1) as last from metric_blocks
        where job_id = ${group.jobId} and attempt = ${group.attempt} and name = s.name
      ) as b
      cross join lateral (
        select ${packPoints()}
        from (
          select step, value, time from metrics
          where job_id = ${group.jobId} and attempt = ${group.attempt} and name = s.name and step > b.last
          order by step limit ${limit}
        ) as point
      ) as p`.execute(db)
  const blocks = rows.flatMap(({ name, last, ...points }) =>
    cutBlocks(unpackPoints(points), last + 1).map((block) => ({ name, ...block })),
  )
  await insertBlocks(db, group, blocks)
  return rows.some((points) => countPacked(points) === limit)
}

/** Like `appendBlocks`, but the last block takes the remaining points and ends where the hole ends. */
async function fillHole(db: Kysely<RunnerDatabase>, series: SeriesRef, hole: Hole): Promise<void> {
  const { rows } = await sql<PackedPoints>`
    select ${packPoints()}
    from (
      select step, value, time from metrics
      where job_id = ${series.jobId} and attempt = ${series.attempt} and name = ${series.name}
        and step between ${hole.low} and ${hole.high}
      order by step
    ) as point`.execute(db)
  const points = rows.flatMap(unpackPoints)
  const blocks = cutBlocks(points, hole.low, hole.high).map((block) => ({ name: series.name, ...block }))
  await insertBlocks(db, series, blocks)
}

interface Block extends Extremes {
  fromStep: number
  toStep: number
  count: number
}

/**
 * Divides points into adjacent blocks that start at step `low`. With `high`, the last block takes the remaining points and ends
 * at that step.
 */
function cutBlocks(points: readonly SeriesPoint[], low: number, high?: number): Block[] {
  const blocks: Block[] = []
  const full = Math.floor(points.length / BLOCK_POINTS)
  const count = high === undefined || points.length === 0 ? full : Math.max(1, full)
  for (let number = 0; number < count; number++) {
    const isLast = high !== undefined && number === count - 1
    const ofBlock = points.slice(number * BLOCK_POINTS, isLast ? undefined : (number + 1) * BLOCK_POINTS)
    const extremes: Extremes = {}
    for (const point of ofBlock) widen(extremes, point)
    blocks.push({
      fromStep: (blocks.at(-1)?.toStep ?? low - 1) + 1,
      toStep: isLast ? high : (ofBlock.at(-1)?.step ?? low),
      count: ofBlock.length,
      ...extremes,
    })
  }
  return blocks
}

async function insertBlocks(
  db: Kysely<RunnerDatabase>,
  { jobId, attempt }: Pick<SeriesRef, 'jobId' | 'attempt'>,
  blocks: readonly (Block & { name: string })[],
): Promise<void> {
  if (blocks.length === 0) return
  const steps = (which: keyof Extremes) => blocks.map((block) => block[which]?.step ?? null)
  const values = (which: 'low' | 'high') => blocks.map((block) => block[which]?.value ?? null)
  const times = (which: keyof Extremes) => blocks.map((block) => toIso(block[which]))
  await sql`
    insert into metric_blocks (job_id, attempt, name, from_step, to_step, count, low_step, low_value, low_time,
      high_step, high_value, high_time, nan_step, nan_time)
    select ${jobId}::bigint, ${attempt}::int, * from unnest(
      ${blocks.map(({ name }) => name)}::text[], ${blocks.map(({ fromStep }) => fromStep)}::bigint[],
      ${blocks.map(({ toStep }) => toStep)}::bigint[], ${blocks.map(({ count }) => count)}::int[],
      ${steps('low')}::bigint[], ${values('low')}::float8[], ${times('low')}::timestamptz[],
      ${steps('high')}::bigint[], ${values('high')}::float8[], ${times('high')}::timestamptz[],
      ${steps('nan')}::bigint[], ${times('nan')}::timestamptz[]
    )`.execute(db)
}

const toIso = (point: SeriesPoint | undefined) => (point === undefined ? null : new Date(point.time).toISOString())
