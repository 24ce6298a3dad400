import type { StoredEventPage } from '@trainyard/contract'
import type { RunnerContext } from '../context.ts'
import { readJournal } from '../journal/read-journal.ts'
import { getJobRow } from './get-job.ts'

export interface ReadEventsQuery {
  attempt?: number | undefined
  type?: string | undefined
  /** Sequence number of the last event of the page before. */
  cursor?: number | undefined
  limit: number
}

/** The journal of one attempt as it was kept, oldest first, with what could not be understood. */
export async function readEvents(
  context: RunnerContext,
  jobId: number,
  query: ReadEventsQuery,
): Promise<StoredEventPage> {
  const attempt = query.attempt ?? (await getJobRow(context.database.db, jobId)).attempt
  const place = { jobId, attempt, seq: query.cursor ?? 0 }
  const rows = await readJournal(context.database, [place], { limit: query.limit + 1, type: query.type })
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    events: page.map((row) => ({
      attempt: row.attempt,
      seq: row.seq,
      type: row.type,
      receivedAt: row.receivedAt.toISOString(),
      body: row.body,
      ...(row.time === null ? {} : { time: row.time.toISOString() }),
      ...(row.rejected === null ? {} : { rejected: row.rejected }),
    })),
    ...(rows.length > query.limit && last !== undefined ? { nextCursor: String(last.seq) } : {}),
  }
}
