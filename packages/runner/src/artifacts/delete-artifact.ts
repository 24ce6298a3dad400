import { type Caller, notFound, TrainyardError } from '@trainyard/platform'
import { auditJob } from '../auth/audit.ts'
import type { RunnerContext } from '../context.ts'
import { deleteLater, finishDeletions, type PendingDeletion } from '../datasets/index.ts'
import { artifactPrefix } from '../jobs/storage-keys.ts'

/**
 * Deletes an artifact of a job.
 *
 * @throws TrainyardError `conflict` while a job that has not ended starts from it
 */
export async function deleteArtifact(
  context: RunnerContext,
  caller: Caller,
  jobId: number,
  artifactId: string,
): Promise<void> {
  const { removed, user } = await removeArtifact(context, jobId, artifactId, caller)
  if (user !== undefined)
    throw new TrainyardError('conflict', `Job ${user} is using ${artifactId}; wait until it has ended`)
  if (!removed) throw notFound('artifact', artifactId)
  await finishDeletions(context)
  context.hub.changed(jobId)
}

/** Deletes the row and schedules the deletion of the bytes, unless a job that has not ended starts from the artifact. */
export async function removeArtifact(
  context: RunnerContext,
  jobId: number,
  artifactId: string,
  caller?: Caller,
): Promise<{ removed: boolean; user?: number | undefined }> {
  return await context.database.transaction(async (trx) => {
    const artifact = await trx
      .selectFrom('artifacts')
      .select(['id', 'name', 'storage_key', 'upload_id'])
      .where('id', '=', artifactId)
      .where('job_id', '=', jobId)
      .forUpdate()
      .executeTakeFirst()
    if (artifact === undefined) return { removed: false }
    const user = await trx
      .selectFrom('jobs')
      .select('id')
      .where('checkpoint_id', '=', artifactId)
      .where('state', 'in', ['pending', 'queued', 'running'])
      .executeTakeFirst()
    if (user !== undefined) return { removed: false, user: user.id }
    await trx.deleteFrom('artifacts').where('id', '=', artifactId).execute()
    const { storage_key: prefix, upload_id: uploadId } = artifact
    const deletions: PendingDeletion[] = [{ prefix: artifactPrefix(jobId, artifactId) }]
    if (uploadId !== null) deletions.push({ prefix, uploadId })
    await deleteLater(trx, deletions, context.clock.now())
    if (caller !== undefined) {
      const job = await trx
        .selectFrom('jobs')
        .select(['id', 'project_id', 'name'])
        .where('id', '=', jobId)
        .executeTakeFirstOrThrow()
      const data = { artifact: artifactId, name: artifact.name }
      await auditJob(context.identity, trx, caller, { action: 'artifact.delete', job, data })
    }
    return { removed: true }
  })
}
