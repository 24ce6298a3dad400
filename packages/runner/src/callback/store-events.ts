import type { EndReason, JobState, StopReason } from '@trainyard/contract'
import type { AttemptChannel } from '../db/schema/attempts.ts'
import { columnsOf } from './batch-columns.ts'
import type { IntakeBatch } from './intake-batch.ts'

/** What was there when the batch came, and whether it was applied. */
export interface StoreEventsResult {
  applied: boolean
  /** Before the batch. */
  lastSeq: number
  currentAttempt: number
  state: JobState
  channel: AttemptChannel | null
  closed: boolean
  endReason: EndReason | null
  stopReason: StopReason | null
}

/** Runs one statement, in a transaction or not. */
export type Query = <Row>(statement: { name: string; text: string }, values: readonly unknown[]) => Promise<Row[]>

export interface StoreEventsOptions {
  now: Date
  maxLogLines: number
}

/** Batches, each of another attempt, as the parameters of one statement. */
export interface PreparedEvents {
  inputs: readonly IntakeBatch[]
  columns: readonly unknown[]
}

/** Takes milliseconds for thousands of points: time in which PostgreSQL can do something else. */
export function prepareEvents(inputs: readonly IntakeBatch[]): PreparedEvents {
  return { inputs, columns: columnsOf(inputs) }
}

/**
 * Stores batches in one round trip. The rows of the jobs and of the attempts are locked first;
 * what an attempt already holds is left out, and nothing of a batch is written when there is a gap before it, or its attempt
 * is closed or not the current one. Undefined for a batch whose attempt does not exist or is locked by somebody else.
 *
 * @throws whatever PostgreSQL says, also when somebody else added one of the steps since the statement began
 */
export async function storeEvents(
  query: Query,
  { inputs, columns }: PreparedEvents,
  { now, maxLogLines }: StoreEventsOptions,
): Promise<(StoreEventsResult | undefined)[]> {
  const rows = await query<StoreEventsResult & { ix: number }>(STATEMENT, [now, maxLogLines, ...columns])
  const results: (StoreEventsResult | undefined)[] = inputs.map(() => undefined)
  for (const { ix, ...result } of rows) results[ix - 1] = result
  return results
}

/**
 * Locks what {@link storeEvents} of an attempt locks, once whoever holds it is done, until the transaction ends. False when there
 * is no such attempt.
 */
export async function lockAttempt(
  query: Query,
  { jobId, attempt }: { jobId: number; attempt: number },
): Promise<boolean> {
  return (await query(LOCK, [jobId, attempt])).length > 0
}

const LOCK = {
  name: 'lock-attempt',
  text: `select from attempts a join jobs j on j.id = a.job_id where a.job_id = $1::bigint and a.attempt = $2::int for no key update of j, a`,
}

/** $1 now, $2 lines kept of an attempt; the others as {@link columnsOf} lists them. `ix` is the number of a batch, from 1. */
const text = `
  with batch as (
    select * from unnest($3::bigint[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::text[]::jsonb[], $9::text[]::jsonb[])
      with ordinality as b(job_id, attempt, channel, first, last, progress, latest, ix)
  ),
  cur as (
    select b.*, a.last_seq, a.channel as held_channel, a.closed_at, a.end_reason, a.stop_reason, a.log_lines,
      j.attempt as current, j.state
    from batch b
      join attempts a on a.job_id = b.job_id and a.attempt = b.attempt
      join jobs j on j.id = b.job_id
    for no key update of j, a skip locked
  ),
  new_lines as (
    select l.*, row_number() over (partition by l.ix order by l.seq) as line
    from jsonb_to_recordset($19::jsonb) as l(ix int, seq bigint, level text, message text, time timestamptz)
      join cur on cur.ix = l.ix
    where l.seq > cur.last_seq
  ),
  new_counts as (select ix, count(*) as lines from new_lines group by ix),
  guard as (
    update attempts a set
      last_seq = greatest(cur.last_seq, cur.last),
      channel = coalesce(cur.held_channel, cur.channel),
      last_heard_at = $1::timestamptz,
      heard_at = coalesce(a.heard_at, $1::timestamptz),
      log_lines = cur.log_lines + coalesce(n.lines, 0),
      dropped_lines = greatest(0, cur.log_lines + coalesce(n.lines, 0) - $2::bigint)
    from cur left join new_counts n on n.ix = cur.ix
    where a.job_id = cur.job_id and a.attempt = cur.attempt
      and cur.closed_at is null and cur.current = cur.attempt
      and coalesce(cur.held_channel, cur.channel) = cur.channel
      and cur.last_seq >= cur.first - 1
    returning cur.ix, cur.job_id, cur.attempt, cur.last, cur.last_seq as held, cur.log_lines as held_lines,
      cur.progress, cur.latest
  ),
  kept as (
    insert into events (job_id, attempt, seq, type, time, received_at, body, rejected)
    select g.job_id, g.attempt, e.seq, coalesce(e.odd ->> 'type', e.body ->> 'type'), e.time, $1::timestamptz, e.body,
      e.odd -> 'rejected'
    from rows from (unnest($24::int[]), jsonb_array_elements($13::jsonb), unnest($14::text[]::jsonb[])) as n(event, body, odd)
      cross join lateral (
        select ($10::int[])[n.event] as ix, ($11::bigint[])[n.event] as seq, ($12::timestamptz[])[n.event] as time, n.body, n.odd
      ) e
      join guard g on g.ix = e.ix
    where e.seq > g.held
  ),
  -- A chunk that is held in part is stored whole, and read from the first number that is not held.
  chunked as (
    insert into event_chunks (job_id, attempt, last_seq, first_seq, received_at, progress_count, log_count, bodies)
    select g.job_id, g.attempt, c.last, greatest(c.first, g.held + 1), $1::timestamptz,
      case when c.first > g.held then c.progress end, case when c.first > g.held then c.logs end,
      substring($32::bytea from c.at for c.size)
    from unnest($25::int[], $26::bigint[], $27::bigint[], $28::int[], $29::int[], $30::int[], $31::int[])
        as c(ix, first, last, progress, logs, at, size)
      join guard g on g.ix = c.ix
    where c.last > g.held
  ),
  -- The last step that each series of the batches has.
  last_steps as (
    select array_agg(coalesce((
        select max(m.step) from metrics m
        where m.job_id = g.job_id and m.attempt = g.attempt and m.name = ($15::text[])[s.name_ix]
      ), -1) order by s.number) as of_series
    from unnest($17::int[], $18::int[]) with ordinality as s(ix, name_ix, number) left join guard g on g.ix = s.ix
  ),
  point as (
    select g.job_id, g.attempt, ($15::text[])[($18::int[])[m.series]] as name, ($16::text[])[($18::int[])[m.series]] as axis,
      m.step, m.value, ($12::timestamptz[])[m.event] as time,
      m.step > ((select of_series from last_steps))[m.series] as is_new
    from unnest($20::int[], $21::int[], $22::bigint[], $23::float8[]) as m(event, series, step, value)
      join guard g on g.ix = ($10::int[])[m.event]
    where ($11::bigint[])[m.event] > g.held
  ),
  -- What goes on from the last step is added without looking for a row to overwrite, which is a third cheaper.
  added as (
    insert into metrics (job_id, attempt, name, axis, step, value, time)
    select job_id, attempt, name, axis, step, value, time from point where is_new
  ),
  overwritten as (
    insert into metrics (job_id, attempt, name, axis, step, value, time)
    select job_id, attempt, name, axis, step, value, time from point where not is_new
    on conflict (job_id, attempt, name, step) do update set value = excluded.value, time = excluded.time
  ),
  -- Blocks of charts into which a late point falls are made again when they are needed.
  stale as (
    delete from metric_blocks b
    using (
      select job_id, attempt, name, min(step) as low, max(step) as high from point where not is_new group by 1, 2, 3
    ) p
    where b.job_id = p.job_id and b.attempt = p.attempt and b.name = p.name
      and b.to_step >= p.low and b.from_step <= p.high
  ),
  lines as (
    insert into logs (job_id, attempt, time, level, source, message)
    select g.job_id, g.attempt, l.time, l.level, 'journal', l.message
    from new_lines l join guard g on g.ix = l.ix
    where g.held_lines + l.line <= $2::bigint
    order by l.ix, l.line
  ),
  moved as (
    update jobs j set
      state = 'running',
      started_at = coalesce(j.started_at, $1::timestamptz),
      last_heard_at = $1::timestamptz,
      progress = case when g.last > g.held then j.progress || g.progress else j.progress end,
      latest_metrics = case when g.last > g.held then j.latest_metrics || g.latest else j.latest_metrics end
    from guard g where j.id = g.job_id
  )
  select cur.ix::int as ix, exists (select from guard g where g.ix = cur.ix) as applied, cur.last_seq as "lastSeq",
    cur.current as "currentAttempt", cur.state, cur.held_channel as channel, cur.closed_at is not null as closed,
    cur.end_reason as "endReason", cur.stop_reason as "stopReason"
  from cur`

const STATEMENT = { name: 'store-events', text }
