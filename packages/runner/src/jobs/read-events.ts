import type { StoredEventPage } from '@trainyard/sdk/contract'
import type { RunnerContext } from '../context.ts'
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
  const { db } = context.database
  const attempt = query.attempt ?? (await getJobRow(db, jobId)).attempt
  let select = db
    .selectFrom('events')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('attempt', '=', attempt)
    .where('seq', '>', query.cursor ?? 0)
    .orderBy('seq')
    .limit(query.limit + 1)
  if (query.type !== undefined) select = select.where('type', '=', query.type)
  const rows = await select.execute()
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    events: page.map((row) => ({
      attempt: row.attempt,
      seq: row.seq,
      type: row.type,
      receivedAt: row.received_at.toISOString(),
      body: row.body,
      ...(row.time === null ? {} : { time: row.time.toISOString() }),
      ...(row.rejected === null ? {} : { rejected: row.rejected }),
    })),
    ...(rows.length > query.limit && last !== undefined ? { nextCursor: String(last.seq) } : {}),
  }
}
