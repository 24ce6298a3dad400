import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { JobRow } from '../db/schema/jobs.ts'

/**
 * The checkpoint from which an attempt resumes: a complete one of the latest earlier attempt that has any. Within that attempt
 * one named `last` is preferred (in any folder, with any extension), because "best" may be many epochs old; then the latest
 * epoch, then the latest upload. Attempts before a fresh restart are ignored.
 */
export async function findResumeCheckpoint(
  context: Pick<RunnerContext, 'database'>,
  job: Pick<JobRow, 'id' | 'attempt' | 'operation' | 'fresh_from'>,
): Promise<ArtifactRow | undefined> {
  // Predictions and exports start again, because their checkpoint is their input.
  if (job.operation !== 'train' || job.attempt === 1) return undefined
  return await context.database.db
    .selectFrom('artifacts')
    .selectAll()
    .where('job_id', '=', job.id)
    .where('kind', '=', 'checkpoint')
    .where('completed_at', 'is not', null)
    .where('attempt', '<', job.attempt)
    .where('attempt', '>=', job.fresh_from)
    .orderBy('attempt', 'desc')
    .orderBy(sql`name ~ '(^|/)last(\\.[^/]*)?$'`, 'desc')
    .orderBy('epoch', (order) => order.desc().nullsLast())
    .orderBy('completed_at', 'desc')
    .limit(1)
    .executeTakeFirst()
}
