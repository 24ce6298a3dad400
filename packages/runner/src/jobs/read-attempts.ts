import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import type { AttemptRef } from '../launchers/launcher.ts'

/** The columns of a job that the supervisor needs for its attempts. */
export type SupervisedJob = Pick<JobRow, 'id' | 'attempt' | 'deadline_seconds' | 'trace_id'>

export const keyOf = (ref: AttemptRef): string => `${ref.jobId}.${ref.attempt}`

/** The rows of many attempts by {@link keyOf}, without attempts that are cleaned up or deleted. */
export async function readAttempts(
  context: RunnerContext,
  refs: readonly AttemptRef[],
): Promise<Map<string, { job: SupervisedJob; attempt: AttemptRow }>> {
  const { db } = context.database
  const ids = [...new Set(refs.map((ref) => ref.jobId))]
  if (ids.length === 0) return new Map()
  const jobs = await db
    .selectFrom('jobs')
    .select(['id', 'attempt', 'deadline_seconds', 'trace_id'])
    .where('id', '=', sql<number>`any(${ids}::bigint[])`)
    .execute()
  const attempts = await db
    .selectFrom('attempts')
    .selectAll()
    .where('job_id', '=', sql<number>`any(${ids}::bigint[])`)
    .where('cleaned_at', 'is', null)
    .execute()
  const jobOf = new Map(jobs.map((job) => [job.id, job]))
  const found = new Map<string, { job: SupervisedJob; attempt: AttemptRow }>()
  for (const attempt of attempts) {
    const job = jobOf.get(attempt.job_id)
    if (job !== undefined) found.set(keyOf({ jobId: attempt.job_id, attempt: attempt.attempt }), { job, attempt })
  }
  return found
}
