import type { EndReason, JobState, StopReason } from '@trainyard/sdk/contract'
import { type Kysely, sql } from 'kysely'
import type { AttemptChannel, RunnerDatabase } from '../db/schema.ts'
import type { ParsedBatch } from './parse-events.ts'

export interface StoreEventsInput {
  jobId: number
  attempt: number
  channel: AttemptChannel
  /** First and last number of the batch; of a heartbeat both are 0. */
  first: number
  last: number
  batch: ParsedBatch
  now: Date
  maxLogLines: number
}

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

/**
 * Stores a batch in one round trip. The rows of the job and of the attempt are locked first; what the attempt already
 * holds is left out, and nothing at all is written when there is a gap, the attempt is closed or not the current one.
 */
export async function storeEvents(
  db: Kysely<RunnerDatabase>,
  input: StoreEventsInput,
): Promise<StoreEventsResult | undefined> {
  const { jobId, attempt, channel, first, last, batch, now, maxLogLines } = input
  const metrics = batch.metrics
  const { rows } = await sql<StoreEventsResult>`
    with cur as (
      select a.last_seq, a.channel, a.closed_at, a.end_reason, a.stop_reason, a.log_lines, j.attempt as current, j.state
      from jobs j join attempts a on a.job_id = j.id
      where j.id = ${jobId} and a.attempt = ${attempt}
      for update of j, a
    ),
    new_lines as (
      select l.*, row_number() over (order by l.seq) as line
      from cur, jsonb_to_recordset(${JSON.stringify(batch.logs)}::jsonb)
        as l(seq bigint, level text, message text, time timestamptz)
      where l.seq > cur.last_seq
    ),
    guard as (
      update attempts a set
        last_seq = greatest(cur.last_seq, ${last}::bigint),
        channel = coalesce(cur.channel, ${channel}::text),
        last_heard_at = ${now}::timestamptz,
        heard_at = coalesce(a.heard_at, ${now}::timestamptz),
        log_lines = cur.log_lines + (select count(*) from new_lines),
        dropped_lines = greatest(0, cur.log_lines + (select count(*) from new_lines) - ${maxLogLines}::bigint)
      from cur
      where a.job_id = ${jobId} and a.attempt = ${attempt}
        and cur.closed_at is null and cur.current = ${attempt}::int
        and coalesce(cur.channel, ${channel}::text) = ${channel}::text
        and cur.last_seq >= ${first}::bigint - 1
      returning cur.last_seq as held
    ),
    kept as (
      insert into events (job_id, attempt, seq, type, time, received_at, body, rejected)
      select ${jobId}::bigint, ${attempt}::int, e.seq, e.type, e.time, ${now}::timestamptz, e.body, e.rejected
      from guard, jsonb_to_recordset(${JSON.stringify(batch.events)}::jsonb)
        as e(seq bigint, type text, time timestamptz, body jsonb, rejected jsonb)
      where e.seq > guard.held
    ),
    points as (
      insert into metrics (job_id, attempt, name, axis, step, value, time)
      select distinct on (m.name, m.step) ${jobId}::bigint, ${attempt}::int, m.name, m.axis, m.step, m.value, m.time
      from guard, unnest(
        ${metrics.map((m) => m.seq)}::bigint[], ${metrics.map((m) => m.name)}::text[],
        ${metrics.map((m) => m.axis)}::text[], ${metrics.map((m) => m.step)}::bigint[], ${metrics.map((m) => String(m.value))}::float8[],
        ${metrics.map((m) => m.time)}::timestamptz[]) as m(seq, name, axis, step, value, time)
      where m.seq > guard.held
      order by m.name, m.step, m.seq desc
      on conflict (job_id, attempt, name, step) do update set value = excluded.value, time = excluded.time
    ),
    lines as (
      insert into logs (job_id, attempt, time, level, source, message)
      select ${jobId}::bigint, ${attempt}::int, l.time, l.level, 'journal', l.message
      from guard, cur, new_lines l
      where cur.log_lines + l.line <= ${maxLogLines}::bigint
      order by l.line
    ),
    moved as (
      update jobs j set
        state = 'running',
        started_at = coalesce(j.started_at, ${now}::timestamptz),
        last_heard_at = ${now}::timestamptz,
        progress = j.progress || case when ${last}::bigint > guard.held then ${JSON.stringify(batch.progress)}::jsonb else '{}' end,
        latest_metrics = j.latest_metrics
          || case when ${last}::bigint > guard.held then ${JSON.stringify(batch.latestMetrics)}::jsonb else '{}' end
      from guard where j.id = ${jobId}
    )
    select exists (select from guard) as applied, cur.last_seq as "lastSeq", cur.current as "currentAttempt",
      cur.state, cur.channel, cur.closed_at is not null as closed, cur.end_reason as "endReason",
      cur.stop_reason as "stopReason"
    from cur`.execute(db)
  return rows[0]
}
