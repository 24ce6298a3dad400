import type { Database } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'
import type { RunnerDatabase } from '../db/schema.ts'

export interface SeriesRef {
  jobId: number
  attempt: number
  name: string
}

/** Points of one block; a power of two, so that blocks fit into the buckets of `downsample`. */
export const BLOCK_POINTS = 128
/** Points that are looked at in one transaction: the intake of that attempt waits meanwhile. */
const POINTS_AT_ONCE = 128 * BLOCK_POINTS

/**
 * Writes down the extremes of every {@link BLOCK_POINTS} points of a series that have none yet: those at its end, and those
 * into which a late point fell. Blocks are only derived: whoever reads never needs them to be there.
 */
export async function buildBlocks(
  database: Pick<Database<RunnerDatabase>, 'transaction'>,
  of: SeriesRef,
): Promise<void> {
  for (;;) {
    const more = await database.transaction(async (trx) => {
      // Points and the removal of what they make stale come under this lock.
      await trx
        .selectFrom('attempts')
        .select('attempt')
        .where('job_id', '=', of.jobId)
        .where('attempt', '=', of.attempt)
        .forNoKeyUpdate()
        .execute()
      for (const hole of await findHoles(trx, of)) await fillHole(trx, of, hole)
      return await appendBlocks(trx, of)
    })
    if (!more) return
  }
}

async function findHoles(db: Kysely<RunnerDatabase>, of: SeriesRef): Promise<{ low: number; high: number }[]> {
  const { rows } = await sql<{ low: number; high: number }>`
    select low, high from (
      select lag(to_step, 1, -1::bigint) over (order by to_step) + 1 as low, from_step - 1 as high
      from metric_blocks where job_id = ${of.jobId} and attempt = ${of.attempt} and name = ${of.name}
    ) as gaps where low <= high`.execute(db)
  return rows
}

/** True when there may be more to do. */
async function appendBlocks(db: Kysely<RunnerDatabase>, of: SeriesRef): Promise<boolean> {
  const { rows } = await sql<{ last: number }>`
    select coalesce(max(to_step), -1) as last from metric_blocks
    where job_id = ${of.jobId} and attempt = ${of.attempt} and name = ${of.name}`.execute(db)
  const last = rows[0]?.last ?? -1
  const points = sql`
    select step, value, (row_number() over (order by step) - 1) / ${BLOCK_POINTS}::bigint as block
    from metrics where job_id = ${of.jobId} and attempt = ${of.attempt} and name = ${of.name} and step > ${last}
    order by step limit ${POINTS_AT_ONCE}`
  const inserted = await insertBlocks(db, of, points, { low: last + 1, fullOnly: true })
  return inserted * BLOCK_POINTS >= POINTS_AT_ONCE
}

/** The same as at the end, but that what is left over belongs to the last block, which ends where the hole ends. */
async function fillHole(db: Kysely<RunnerDatabase>, of: SeriesRef, hole: { low: number; high: number }): Promise<void> {
  const points = sql`
    select step, value, least(
        (row_number() over (order by step) - 1) / ${BLOCK_POINTS}::bigint,
        greatest(1, count(*) over () / ${BLOCK_POINTS}::bigint) - 1
      ) as block
    from metrics where job_id = ${of.jobId} and attempt = ${of.attempt} and name = ${of.name}
      and step between ${hole.low} and ${hole.high}`
  await insertBlocks(db, of, points, { low: hole.low, high: hole.high })
}

async function insertBlocks(
  db: Kysely<RunnerDatabase>,
  of: SeriesRef,
  points: ReturnType<typeof sql>,
  range: { low: number; high?: number; fullOnly?: boolean },
): Promise<number> {
  const { rows } = await sql<{ inserted: number }>`
    with point as (${points}),
    bounded as (
      select *, min(nullif(value, 'NaN')) over (partition by block) as low_value,
        max(nullif(value, 'NaN')) over (partition by block) as high_value
      from point
    ),
    block as (
      select block, count(*) as count, max(step) as last_step, min(low_value) as low_value, max(high_value) as high_value,
        min(step) filter (where value = low_value) as low_step, min(step) filter (where value = high_value) as high_step,
        min(step) filter (where value = 'NaN') as nan_step
      from bounded group by block
      having ${range.fullOnly ?? false} = false or count(*) = ${BLOCK_POINTS}
    ),
    placed as (
      select *, lag(last_step, 1, ${range.low - 1}::bigint) over (order by block) + 1 as from_step,
        case when ${range.high ?? null}::bigint is not null and block = max(block) over () then ${range.high ?? null}::bigint else last_step end as to_step
      from block
    ),
    inserted as (
      insert into metric_blocks (job_id, attempt, name, from_step, to_step, count, low_step, low_value, low_time,
        high_step, high_value, high_time, nan_step, nan_time)
      select ${of.jobId}::bigint, ${of.attempt}::int, ${of.name}::text, p.from_step, p.to_step, p.count,
        p.low_step, p.low_value, ${timeAt(of, 'low_step')}, p.high_step, p.high_value, ${timeAt(of, 'high_step')},
        p.nan_step, ${timeAt(of, 'nan_step')}
      from placed p
      returning 1
    )
    select count(*) as inserted from inserted`.execute(db)
  return rows[0]?.inserted ?? 0
}

/** A subquery, so that it is looked up by key even while PostgreSQL knows nothing yet of a table that grew by a million. */
function timeAt(of: SeriesRef, step: string) {
  return sql`(select m.time from metrics m where m.job_id = ${of.jobId} and m.attempt = ${of.attempt}
    and m.name = ${of.name} and m.step = p.${sql.ref(step)})`
}
