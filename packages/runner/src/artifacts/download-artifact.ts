import { type Caller, notFound, REDIRECT_EXPIRY_SECONDS } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { recordTransfer, transferOf } from '../usage/record-transfer.ts'

/** A signed URL at which a browser downloads an artifact under its file name. */
export async function downloadArtifact(
  context: RunnerContext,
  caller: Caller,
  jobId: number,
  artifactId: string,
): Promise<string> {
  const row = await context.database.db
    .selectFrom('artifacts')
    .innerJoin('jobs', 'jobs.id', 'artifacts.job_id')
    .select(['artifacts.name', 'storage_key', 'content_type', 'size_bytes'])
    .select(['jobs.project_id', 'jobs.trainer_name', 'jobs.queue'])
    .where('artifacts.id', '=', artifactId)
    .where('job_id', '=', jobId)
    .where('completed_at', 'is not', null)
    .executeTakeFirst()
  if (row === undefined) throw notFound('artifact', artifactId)
  const fileName = row.name.split('/').at(-1) ?? row.name
  const options = { fileName, contentType: row.content_type, expiresInSeconds: REDIRECT_EXPIRY_SECONDS }
  const { url } = await context.store.signGet(row.storage_key, options)
  const used = { downloadedBytes: row.size_bytes }
  await recordTransfer(context.database.db, transferOf(context, { ...row, created_by: caller.subject }, used))
  return url
}
