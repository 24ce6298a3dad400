import type { RunnerContext } from '../context.ts'
import { finishDeletions } from '../datasets/index.ts'
import { removeArtifact } from './delete-artifact.ts'

const HOUR_MS = 3600 * 1000
/** A job that is over sends nothing any more; a little later even its last request has arrived. */
const AFTER_THE_END_MS = HOUR_MS
/** Longer than anybody uploads one file. */
const AT_LONGEST_MS = 7 * 24 * HOUR_MS

/** Gives up announcements whose bytes never came to their end, and the parts that storage holds of them. */
export async function abortAbandonedUploads(context: RunnerContext): Promise<string[]> {
  const now = context.clock.now().getTime()
  const rows = await context.database.db
    .selectFrom('artifacts')
    .innerJoin('jobs', 'jobs.id', 'artifacts.job_id')
    .select(['artifacts.id', 'artifacts.job_id', 'artifacts.name'])
    .where('artifacts.completed_at', 'is', null)
    .where(({ eb, or, and }) =>
      or([
        eb('artifacts.created_at', '<', new Date(now - AT_LONGEST_MS)),
        and([
          eb('jobs.state', 'in', ['succeeded', 'failed', 'cancelled']),
          eb('jobs.finished_at', '<', new Date(now - AFTER_THE_END_MS)),
        ]),
      ]),
    )
    .execute()
  const removed: string[] = []
  for (const { id, job_id: jobId, name } of rows) {
    if (!(await removeArtifact(context, jobId, id)).removed) continue
    context.logger.info({ artifactId: id, jobId, name }, 'an upload that was never finished was given up')
    removed.push(id)
  }
  if (removed.length > 0) await finishDeletions(context)
  return removed
}
