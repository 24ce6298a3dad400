import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { JobRow } from '../db/schema/jobs.ts'

/**
 * What an attempt goes on from: a whole checkpoint of the newest earlier attempt that left one. Within that attempt the
 * one named `last` wins (whatever its folder and extension), since "best" may be many epochs old; then the later epoch,
 * then the later upload. Attempts before a fresh restart do not count.
 */
export async function findResumeCheckpoint(
  context: Pick<RunnerContext, 'database'>,
  job: Pick<JobRow, 'id' | 'attempt' | 'operation' | 'fresh_from'>,
): Promise<ArtifactRow | undefined> {
  // Predictions and exports begin anew: their checkpoint is what they work on.
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
