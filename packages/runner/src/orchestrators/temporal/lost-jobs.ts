import { sql } from 'kysely'
import type { RunnerContext } from '../../context.ts'
import { keyOf } from '../../jobs/read-attempts.ts'
import type { AttemptRef } from '../../launchers/launcher.ts'

/** A workflow that was told is quicker than this. */
const LATE_SECONDS = 3
const AT_ONCE = 500

/** Jobs that should be in their queue by now: their workflow was not told, or there is none. */
export async function findDue(context: RunnerContext): Promise<number[]> {
  const late = new Date(context.clock.now().getTime() - LATE_SECONDS * 1000)
  const rows = await context.database.db
    .selectFrom('jobs')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.job_id', '=', 'jobs.id').onRef('attempts.attempt', '=', 'jobs.attempt'),
    )
    .select('jobs.id')
    .where('jobs.state', '=', 'pending')
    .where('attempts.created_at', '<=', late)
    .where((eb) => eb.or([eb('run_after', 'is', null), eb('run_after', '<=', late)]))
    .limit(AT_ONCE)
    .execute()
  return rows.map(({ id }) => id)
}

/** Attempts of this host whose lease is free or of a dead process. */
export async function findOrphans(context: RunnerContext, dead: readonly string[]): Promise<AttemptRef[]> {
  const { rows } = await sql<AttemptRef>`
    select a.job_id as "jobId", a.attempt from attempts a join jobs j on j.id = a.job_id
    where a.host = ${context.launcher.host} and a.launched_at is not null and a.cleaned_at is null
      and (j.lease_owner is null or j.lease_owner = any(${dead}::text[]) or j.lease_expires_at is null
           or j.lease_expires_at < ${context.clock.now()}::timestamptz)
    limit ${AT_ONCE}`.execute(context.database.db)
  return rows
}

/** Those of the attempts that need no supervision any more: they are cleaned up, deleted, or back in the queue. */
export async function overAttempts(context: RunnerContext, refs: readonly AttemptRef[]): Promise<AttemptRef[]> {
  if (refs.length === 0) return []
  const rows = await context.database.db
    .selectFrom('attempts')
    .select(['job_id', 'attempt'])
    .where('job_id', '=', sql<number>`any(${refs.map(({ jobId }) => jobId)}::bigint[])`)
    .where('launched_at', 'is not', null)
    .where('cleaned_at', 'is', null)
    .execute()
  const live = new Set(rows.map(({ job_id: jobId, attempt }) => keyOf({ jobId, attempt })))
  return refs.filter((ref) => !live.has(keyOf(ref)))
}
