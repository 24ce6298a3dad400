import type { Transaction } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'

const UNREAD_OUTPUT = '{"stdout":0,"stderr":0}'

export async function openFirstAttempt(
  trx: Transaction<RunnerDatabase>,
  job: Pick<JobRow, 'id'>,
  now: Date,
): Promise<void> {
  await trx
    .insertInto('attempts')
    .values({ job_id: job.id, attempt: 1, output_position: UNREAD_OUTPUT, created_at: now })
    .execute()
}

export interface NextAttempt {
  now: Date
  /** Earliest time at which the attempt is queued. Null: at once. */
  runAfter: Date | null
  counted_retries: number
  free_retries: number
  error: string | null
  /** Does not resume from the checkpoints of earlier attempts. Default: false. */
  fresh?: boolean | undefined
}

/** Opens the next attempt of a job and moves the job to `pending`. */
export async function openNextAttempt(
  trx: Transaction<RunnerDatabase>,
  job: Pick<JobRow, 'id' | 'attempt' | 'fresh_from'>,
  next: NextAttempt,
): Promise<void> {
  const attempt = job.attempt + 1
  await trx
    .updateTable('jobs')
    .set({
      state: 'pending',
      attempt,
      end_reason: null,
      error: next.error,
      result: null,
      progress: '{}',
      latest_metrics: '{}',
      pictures_seq: 0,
      counted_retries: next.counted_retries,
      free_retries: next.free_retries,
      cancel_requested_at: null,
      run_after: next.runAfter,
      fresh_from: next.fresh ? attempt : job.fresh_from,
      lease_owner: null,
      lease_expires_at: null,
      queued_at: null,
      started_at: null,
      finished_at: null,
      last_heard_at: null,
    })
    .where('id', '=', job.id)
    .execute()
  await trx
    .insertInto('attempts')
    .values({ job_id: job.id, attempt, output_position: UNREAD_OUTPUT, created_at: next.now })
    .execute()
}
