import type { Database } from '@trainyard/platform'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { defineStatement } from '../db/statement.ts'
import { unpackBodies } from './pack-events.ts'

/** The event of an attempt after which reading starts. */
export interface JournalPosition {
  jobId: number
  attempt: number
  seq: number
}

export interface JournalEvent {
  jobId: number
  attempt: number
  seq: number
  type: string
  time: Date | null
  receivedAt: Date
  body: Record<string, unknown>
  rejected: { path: string; detail: string } | null
}

export interface ReadJournalOptions {
  /** Maximum number of events of each attempt. */
  limit: number
  type?: string | undefined
}

/**
 * Reads the next events of some attempts in order, whether they are stored alone or in chunks. It is one statement, because
 * two would see different snapshots, and a reader that continues after the last number would miss events between them.
 */
export async function readJournal(
  { query }: Pick<Database<RunnerDatabase>, 'query'>,
  positions: readonly JournalPosition[],
  { limit, type }: ReadJournalOptions,
): Promise<JournalEvent[]> {
  const values = READ_JOURNAL.values({
    jobIds: positions.map(({ jobId }) => jobId),
    attempts: positions.map(({ attempt }) => attempt),
    seqs: positions.map(({ seq }) => seq),
    limit,
    type: type ?? null,
  })
  const rows = await query<Row>(READ_JOURNAL, values)
  const events: JournalEvent[] = []
  for (const group of Map.groupBy(rows, ({ ordinal }) => ordinal).values()) {
    const ofAttempt = group.flatMap((row) => eventsOf(row, type))
    ofAttempt.sort((a, b) => a.seq - b.seq)
    events.push(...ofAttempt.slice(0, limit))
  }
  return events
}

/** The last event of an attempt. Undefined before the first one. */
export async function readLastEvent(
  database: Pick<Database<RunnerDatabase>, 'query'>,
  { jobId, attempt, last_seq }: { jobId: number; attempt: number; last_seq: number },
): Promise<JournalEvent | undefined> {
  if (last_seq === 0) return undefined
  return (await readJournal(database, [{ jobId, attempt, seq: last_seq - 1 }], { limit: 1 }))[0]
}

interface Row {
  /** Number of the position, from 1. */
  ordinal: number
  job_id: number
  attempt: number
  /** First sequence number to read of a chunk. */
  first: number
  seq: number
  type: string
  time: Date | null
  received_at: Date
  body: Record<string, unknown>
  rejected: { path: string; detail: string } | null
  bodies: Buffer | null
}

function eventsOf(row: Row, type: string | undefined): JournalEvent[] {
  const { job_id: jobId, attempt, received_at: receivedAt } = row
  if (row.bodies === null) {
    const { seq, time, body, rejected } = row
    return [{ jobId, attempt, seq, type: row.type, time, receivedAt, body, rejected }]
  }
  return unpackBodies(row.bodies)
    .filter((body) => body.seq >= row.first && (type === undefined || body.type === type))
    .map((body) => {
      const time = new Date(body.time)
      return { jobId, attempt, seq: body.seq, type: body.type, time, receivedAt, body, rejected: null }
    })
}

interface Parameters {
  jobIds: number[]
  attempts: number[]
  seqs: number[]
  limit: number
  type: string | null
}

/**
 * Takes chunks until they hold enough events; a chunk whose count is not known counts as empty. This is decided by the counts
 * alone, so that other chunks are not fetched.
 */
const READ_JOURNAL = defineStatement<Parameters>(
  'read-journal',
  `
    select c.ordinal::int as ordinal, c.job_id, c.attempt, e.*
    from unnest(:jobIds::bigint[], :attempts::int[], :seqs::bigint[]) with ordinality as c(job_id, attempt, seq, ordinal)
      cross join lateral (
        (
          select e.seq as first, e.seq, e.type, e.time, e.received_at, e.body, e.rejected, null::bytea as bodies
          from events e
          where e.job_id = c.job_id and e.attempt = c.attempt and e.seq > c.seq and (:type::text is null or e.type = :type)
          order by e.seq limit :limit
        )
        union all
        select k.first, k.last_seq, null, null, k.received_at, null, null, k.bodies
        from (
          select k.*, sum(k.count) over (order by k.last_seq rows between unbounded preceding and 1 preceding) as before
          from (
            select k.last_seq, k.received_at, k.bodies, greatest(k.first_seq, c.seq + 1) as first,
              case when :type::text is null then k.last_seq - greatest(k.first_seq, c.seq + 1) + 1
                when k.first_seq <= c.seq then 0
                when :type = 'progress' then coalesce(k.progress_count, 0)
                else coalesce(k.log_count, 0) end as count
            from event_chunks k
            where k.job_id = c.job_id and k.attempt = c.attempt and k.last_seq > c.seq
              and (:type::text is null or (:type = 'progress' and coalesce(k.progress_count, 1) > 0)
                or (:type = 'log' and coalesce(k.log_count, 1) > 0))
            -- More than needed, because chunks whose count is unknown may contain none.
            order by k.last_seq limit :limit + 1000
          ) k
        ) k
        where coalesce(k.before, 0) < :limit
      ) e`,
)
