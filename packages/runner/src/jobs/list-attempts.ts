import type { JobAttempt, JobAttemptList } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { getJobRow } from './get-job.ts'

export interface ListAttemptsQuery {
  /** Number of the last attempt of the previous page. */
  cursor?: number | undefined
  limit: number
}

/** The attempts of a job, newest first. */
export async function listAttempts(
  context: RunnerContext,
  jobId: number,
  { cursor, limit }: ListAttemptsQuery,
): Promise<JobAttemptList> {
  const { db } = context.database
  await getJobRow(db, jobId)
  let select = db
    .selectFrom('attempts')
    .select([
      'attempt',
      'created_at',
      'launched_at',
      'heard_at',
      'last_heard_at',
      'closed_at',
      'end_reason',
      'exit_code',
      'log_lines',
    ])
    .select(
      // Tracebacks stay in the database: a job can have many attempts.
      sql<JobAttempt['error'] | null>`case when error is not null then jsonb_strip_nulls(
        jsonb_build_object('errorType', error -> 'errorType', 'message', left(error ->> 'message', 2000))) end`.as(
        'error',
      ),
    )
    .where('job_id', '=', jobId)
    .orderBy('attempt', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) select = select.where('attempt', '<', cursor)
  const rows = await select.execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    attempts: page.map((row) => ({
      attempt: row.attempt,
      createdAt: row.created_at.toISOString(),
      launchedAt: row.launched_at?.toISOString(),
      startedAt: row.heard_at?.toISOString(),
      lastHeardAt: row.last_heard_at?.toISOString(),
      finishedAt: row.closed_at?.toISOString(),
      endReason: row.end_reason ?? undefined,
      error: row.error ?? undefined,
      exitCode: row.exit_code ?? undefined,
      logLines: row.log_lines,
    })),
    nextCursor: rows.length > limit && last !== undefined ? String(last.attempt) : undefined,
  }
}
