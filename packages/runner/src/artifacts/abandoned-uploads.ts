import type { RunnerContext } from '../context.ts'
import { finishDeletions } from '../datasets/index.ts'
import { removeArtifact } from './delete-artifact.ts'

const HOUR_MS = 3600 * 1000
/** Time after the end of a job in which its last requests can still arrive. */
const AFTER_END_MS = HOUR_MS
/** Longer than the upload of any file takes. */
const MAX_UPLOAD_MS = 7 * 24 * HOUR_MS

/** Deletes announced artifacts whose upload was never completed, with the parts that are stored. Returns their ids. */
export async function abortAbandonedUploads(context: RunnerContext): Promise<string[]> {
  const now = context.clock.now().getTime()
  const rows = await context.database.db
    .selectFrom('artifacts')
    .innerJoin('jobs', 'jobs.id', 'artifacts.job_id')
    .select(['artifacts.id', 'artifacts.job_id', 'artifacts.name'])
    .where('artifacts.completed_at', 'is', null)
    .where(({ eb, or, and }) =>
      or([
        eb('artifacts.created_at', '<', new Date(now - MAX_UPLOAD_MS)),
        and([
          eb('jobs.state', 'in', ['succeeded', 'failed', 'cancelled']),
          eb('jobs.finished_at', '<', new Date(now - AFTER_END_MS)),
        ]),
      ]),
    )
    .execute()
  const removed: string[] = []
  for (const { id, job_id: jobId, name } of rows) {
    if (!(await removeArtifact(context, jobId, id)).removed) continue
    context.logger.info({ artifactId: id, jobId, name }, 'deleted an upload that was never completed')
    removed.push(id)
  }
  if (removed.length > 0) await finishDeletions(context)
  return removed
}
