import type { Database } from '@trainyard/platform'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { unpackBodies } from './pack-events.ts'

/** After which event of an attempt to read. */
export interface JournalPlace {
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
  /** Of each attempt. */
  limit: number
  type?: string | undefined
}

/**
 * The next events of some attempts, in order, whether they are kept alone or in chunks. One statement: two would see different
 * moments, and whoever goes on from the last number would miss what came between them.
 */
export async function readJournal(
  { query }: Pick<Database<RunnerDatabase>, 'query'>,
  places: readonly JournalPlace[],
  { limit, type }: ReadJournalOptions,
): Promise<JournalEvent[]> {
  const rows = await query<Row>(STATEMENT, [
    places.map(({ jobId }) => jobId),
    places.map(({ attempt }) => attempt),
    places.map(({ seq }) => seq),
    limit,
    type ?? null,
  ])
  const events: JournalEvent[] = []
  for (const group of Map.groupBy(rows, ({ place }) => place).values()) {
    const ofPlace = group.flatMap((row) => eventsOf(row, type))
    ofPlace.sort((a, b) => a.seq - b.seq)
    events.push(...ofPlace.slice(0, limit))
  }
  return events
}

interface Row {
  place: number
  job_id: number
  attempt: number
  /** First number to read of a chunk. */
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

/**
 * Chunks are taken until they hold as many events as are wanted; of one whose number is not known, none is counted. That is
 * decided by their numbers alone: what is in the others is never fetched.
 */
const STATEMENT = {
  name: 'read-journal',
  text: `
    select c.place::int as place, c.job_id, c.attempt, e.*
    from unnest($1::bigint[], $2::int[], $3::bigint[]) with ordinality as c(job_id, attempt, seq, place)
      cross join lateral (
        (
          select e.seq as first, e.seq, e.type, e.time, e.received_at, e.body, e.rejected, null::bytea as bodies
          from events e
          where e.job_id = c.job_id and e.attempt = c.attempt and e.seq > c.seq and ($5::text is null or e.type = $5)
          order by e.seq limit $4
        )
        union all
        select k.first, k.last_seq, null, null, k.received_at, null, null, k.bodies
        from (
          select k.*, sum(k.count) over (order by k.last_seq rows between unbounded preceding and 1 preceding) as before
          from (
            select k.last_seq, k.received_at, k.bodies, greatest(k.first_seq, c.seq + 1) as first,
              case when $5::text is null then k.last_seq - greatest(k.first_seq, c.seq + 1) + 1
                when k.first_seq <= c.seq then 0
                when $5 = 'progress' then coalesce(k.progress_count, 0)
                else coalesce(k.log_count, 0) end as count
            from event_chunks k
            where k.job_id = c.job_id and k.attempt = c.attempt and k.last_seq > c.seq
              and ($5::text is null or ($5 = 'progress' and coalesce(k.progress_count, 1) > 0)
                or ($5 = 'log' and coalesce(k.log_count, 1) > 0))
            -- More than are wanted: those that are not counted may hold none.
            order by k.last_seq limit $4 + 1000
          ) k
        ) k
        where coalesce(k.before, 0) < $4
      ) e`,
}
