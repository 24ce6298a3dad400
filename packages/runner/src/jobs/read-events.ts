import type { StoredEventPage } from '@trainyard/contract'
import type { RunnerContext } from '../context.ts'
import { readJournal } from '../journal/read-journal.ts'
import { getJobRow } from './get-job.ts'

export interface ReadEventsQuery {
  attempt?: number | undefined
  type?: string | undefined
  /** Sequence number of the last event of the previous page. */
  cursor?: number | undefined
  limit: number
}

/** The events of one attempt, oldest first, including rejected ones. */
export async function readEvents(
  context: RunnerContext,
  jobId: number,
  query: ReadEventsQuery,
): Promise<StoredEventPage> {
  const attempt = query.attempt ?? (await getJobRow(context.database.db, jobId)).attempt
  const position = { jobId, attempt, seq: query.cursor ?? 0 }
  const rows = await readJournal(context.database, [position], { limit: query.limit + 1, type: query.type })
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    events: page.map((row) => ({
      attempt: row.attempt,
      seq: row.seq,
      type: row.type,
      receivedAt: row.receivedAt.toISOString(),
      body: row.body,
      time: row.time?.toISOString(),
      rejected: row.rejected ?? undefined,
    })),
    nextCursor: rows.length > query.limit && last !== undefined ? String(last.seq) : undefined,
  }
}
