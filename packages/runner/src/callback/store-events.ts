import type { EndReason, JobState, RejectedEvent, StopReason } from '@trainyard/contract'
import type { AttemptChannel } from '../db/schema/attempts.ts'
import { MAX_LATEST_METRICS } from '../db/schema/jobs.ts'
import { defineStatement, type Query } from '../db/statement.ts'
import { columnsOf, type EventColumns } from './batch-columns.ts'
import type { IntakeBatch } from './intake-batch.ts'

/** The state of the attempt before the batch, and whether the batch was applied. */
export interface StoreEventsResult {
  applied: boolean
  /** The last sequence number before the batch. */
  lastSeq: number
  currentAttempt: number
  state: JobState
  channel: AttemptChannel | null
  closed: boolean
  endReason: EndReason | null
  stopReason: StopReason | null
  /** Set when nothing was applied because the job would get more names of metrics than it can have. */
  excess?: { newNames: readonly string[]; heldNames: number; primary: string } | null | undefined
  /** Events that turned out not to be storable, and are stored as rejected. */
  refused?: readonly RejectedEvent[] | undefined
}

export interface StoreEventsOptions {
  now: Date
  maxLogLines: number
  /** Names of metrics that a job can have. */
  maxMetricNames: number
}

/** Batches, each of another attempt, as the parameters of one statement. */
export interface PreparedEvents {
  inputs: readonly IntakeBatch[]
  columns: EventColumns
}

/** Takes milliseconds for thousands of points, during which PostgreSQL can work on another statement. */
export function prepareEvents(inputs: readonly IntakeBatch[]): PreparedEvents {
  return { inputs, columns: columnsOf(inputs) }
}

/**
 * Stores batches in one round trip. Locks the rows of the jobs and of the attempts first. Events that an attempt already holds
 * are skipped. Nothing of a batch is stored when there is a gap before it, when its attempt is closed or not the current one, or
 * when its job would get too many names of metrics. The result is undefined for a batch whose attempt does not exist or is locked elsewhere.
 *
 * @throws the error of PostgreSQL, also when another transaction added one of the steps after the statement began
 */
export async function storeEvents(
  query: Query,
  { inputs, columns }: PreparedEvents,
  options: StoreEventsOptions,
): Promise<(StoreEventsResult | undefined)[]> {
  const values = STORE_EVENTS.values({ ...columns, ...options })
  const rows = await query<StoreEventsResult & { ix: number }>(STORE_EVENTS, values)
  const results: (StoreEventsResult | undefined)[] = inputs.map(() => undefined)
  for (const { ix, ...result } of rows) results[ix - 1] = result
  return results
}

interface AttemptKey {
  jobId: number
  attempt: number
}

/**
 * Waits for the rows that {@link storeEvents} locks for an attempt, and locks them until the end of the transaction. False
 * when the attempt does not exist.
 */
export async function lockAttempt(query: Query, { jobId, attempt }: AttemptKey): Promise<boolean> {
  return (await query(LOCK_ATTEMPT, LOCK_ATTEMPT.values({ jobId, attempt }))).length > 0
}

const LOCK_ATTEMPT = defineStatement<AttemptKey>(
  'lock-attempt',
  `select from attempts a join jobs j on j.id = a.job_id
   where a.job_id = :jobId::bigint and a.attempt = :attempt::int for no key update of j, a`,
)

/** `ix` is the number of a batch, from 1. */
const STORE_EVENTS = defineStatement<EventColumns & StoreEventsOptions>(
  'store-events',
  `
  with batch as (
    select * from unnest(
        :jobIds::bigint[], :attempts::int[], :channels::text[], :firsts::bigint[], :lasts::bigint[],
        :progress::text[]::jsonb[], :latestMetrics::text[]::jsonb[]
      ) with ordinality as b(job_id, attempt, channel, first, last, progress, latest, ix)
  ),
  cur as (
    select b.*, a.last_seq, a.channel as held_channel, a.closed_at, a.end_reason, a.stop_reason, a.log_lines,
      j.attempt as current, j.state, j.metric_names, j.primary_metric
    from batch b
      join attempts a on a.job_id = b.job_id and a.attempt = b.attempt
      join jobs j on j.id = b.job_id
    for no key update of j, a skip locked
  ),
  new_lines as (
    select l.*, row_number() over (partition by l.ix order by l.seq) as line
    from jsonb_to_recordset(:lines::jsonb) as l(ix int, seq bigint, level text, message text, time timestamptz)
      join cur on cur.ix = l.ix
    where l.seq > cur.last_seq
  ),
  -- The last stored step of each series of the batches.
  last_steps as (
    select array_agg(coalesce((
        select max(m.step) from metrics m
        where m.job_id = cur.job_id and m.attempt = cur.attempt and m.name = (:names::text[])[s.name_ix]
      ), -1) order by s.number) as of_series
    from unnest(:seriesBatches::int[], :seriesNames::int[]) with ordinality as s(ix, name_ix, number)
      left join cur on cur.ix = s.ix
  ),
  -- Names that the job does not have yet. Most batches contain no new name, and then nothing more is read.
  new_names as (
    select s.ix, array_agg(distinct s.name) as names
    from (
      select cur.ix, cur.job_id, cur.attempt, (:names::text[])[s.name_ix] as name
      from unnest(:seriesBatches::int[], :seriesNames::int[]) with ordinality as s(ix, name_ix, number)
        join cur on cur.ix = s.ix
      where ((select of_series from last_steps))[s.number] < 0
    ) s
    where not exists (
      select from generate_series(1, s.attempt - 1) as earlier(attempt)
      where (
        select max(m.step) from metrics m where m.job_id = s.job_id and m.attempt = earlier.attempt and m.name = s.name
      ) is not null
    )
    group by s.ix
  ),
  named as (
    select cur.*, coalesce(cardinality(n.names), 0) as new_names,
      case when cur.metric_names + cardinality(n.names) > :maxMetricNames::int then n.names end as excess
    from cur left join new_names n on n.ix = cur.ix
  ),
  new_counts as (select ix, count(*) as lines from new_lines group by ix),
  guard as (
    update attempts a set
      last_seq = greatest(cur.last_seq, cur.last),
      channel = coalesce(cur.held_channel, cur.channel),
      last_heard_at = :now::timestamptz,
      heard_at = coalesce(a.heard_at, :now::timestamptz),
      log_lines = cur.log_lines + coalesce(n.lines, 0),
      dropped_lines = greatest(0, cur.log_lines + coalesce(n.lines, 0) - :maxLogLines::bigint)
    from named cur left join new_counts n on n.ix = cur.ix
    where a.job_id = cur.job_id and a.attempt = cur.attempt
      and cur.closed_at is null and cur.current = cur.attempt
      and coalesce(cur.held_channel, cur.channel) = cur.channel
      and cur.last_seq >= cur.first - 1
      and cur.excess is null
    returning cur.ix, cur.job_id, cur.attempt, cur.last, cur.last_seq as held, cur.log_lines as held_lines,
      cur.progress, cur.latest, cur.new_names
  ),
  kept as (
    insert into events (job_id, attempt, seq, type, time, received_at, body, rejected)
    select g.job_id, g.attempt, e.seq, coalesce(e.exception ->> 'type', e.body ->> 'type'), e.time, :now::timestamptz, e.body,
      e.exception -> 'rejected'
    from rows from (
        unnest(:rowEvents::int[]), jsonb_array_elements(:rowBodies::jsonb), unnest(:rowExceptions::text[]::jsonb[])
      ) as n(event, body, exception)
      cross join lateral (
        select (:eventBatches::int[])[n.event] as ix, (:eventSeqs::bigint[])[n.event] as seq,
          (:eventTimes::timestamptz[])[n.event] as time, n.body, n.exception
      ) e
      join guard g on g.ix = e.ix
    where e.seq > g.held
  ),
  -- A chunk of which a part is already stored is stored whole, and is read from the first number that was not.
  chunked as (
    insert into event_chunks (job_id, attempt, last_seq, first_seq, received_at, progress_count, log_count, bodies)
    select g.job_id, g.attempt, c.last, greatest(c.first, g.held + 1), :now::timestamptz,
      case when c.first > g.held then c.progress end, case when c.first > g.held then c.logs end,
      substring(:chunkBytes::bytea from c.at for c.size)
    from unnest(
        :chunkBatches::int[], :chunkFirsts::bigint[], :chunkLasts::bigint[], :chunkProgressCounts::int[],
        :chunkLogCounts::int[], :chunkOffsets::int[], :chunkSizes::int[]
      ) as c(ix, first, last, progress, logs, at, size)
      join guard g on g.ix = c.ix
    where c.last > g.held
  ),
  point as (
    select g.job_id, g.attempt, (:names::text[])[(:seriesNames::int[])[m.series]] as name,
      (:axes::text[])[(:seriesNames::int[])[m.series]] as axis, m.step, m.value, (:eventTimes::timestamptz[])[m.event] as time,
      m.step > ((select of_series from last_steps))[m.series] as is_new
    from unnest(:pointEvents::int[], :pointSeries::int[], :pointSteps::bigint[], :pointValues::float8[])
        as m(event, series, step, value)
      join guard g on g.ix = (:eventBatches::int[])[m.event]
    where (:eventSeqs::bigint[])[m.event] > g.held
  ),
  -- Points after the last step are inserted without a search for a row to overwrite, which is a third cheaper.
  added as (
    insert into metrics (job_id, attempt, name, axis, step, value, time)
    select job_id, attempt, name, axis, step, value, time from point where is_new
  ),
  overwritten as (
    insert into metrics (job_id, attempt, name, axis, step, value, time)
    select job_id, attempt, name, axis, step, value, time from point where not is_new
    on conflict (job_id, attempt, name, step) do update set value = excluded.value, time = excluded.time
  ),
  -- Blocks that contain a late point are built again when they are needed.
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
    where g.held_lines + l.line <= :maxLogLines::bigint
    order by l.ix, l.line
  ),
  moved as (
    update jobs j set
      state = 'running',
      started_at = coalesce(j.started_at, :now::timestamptz),
      last_heard_at = :now::timestamptz,
      progress = case when g.last > g.held then j.progress || g.progress else j.progress end,
      metric_names = j.metric_names + g.new_names,
      latest_metrics = case
        when g.last <= g.held then j.latest_metrics
        when j.metric_names + g.new_names <= ${MAX_LATEST_METRICS} then j.latest_metrics || g.latest
        else (
          select coalesce(jsonb_object_agg(key, value), '{}') from (
            select l.key, l.value from jsonb_each(j.latest_metrics || g.latest) l
            order by l.key = j.primary_metric ->> 'name' desc, j.latest_metrics ? l.key desc, l.key
            limit ${MAX_LATEST_METRICS}
          ) kept
        ) end
    from guard g where j.id = g.job_id
  )
  select cur.ix::int as ix, exists (select from guard g where g.ix = cur.ix) as applied, cur.last_seq as "lastSeq",
    cur.current as "currentAttempt", cur.state, cur.held_channel as channel, cur.closed_at is not null as closed,
    cur.end_reason as "endReason", cur.stop_reason as "stopReason",
    case when cur.excess is not null then jsonb_build_object(
      'newNames', cur.excess, 'heldNames', cur.metric_names, 'primary', cur.primary_metric ->> 'name') end as excess
  from named cur`,
)
