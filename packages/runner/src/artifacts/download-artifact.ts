import { notFound, REDIRECT_EXPIRY_SECONDS } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'

/** A signed URL at which a browser downloads an artifact under its file name. */
export async function downloadArtifact(context: RunnerContext, jobId: number, artifactId: string): Promise<string> {
  const row = await context.database.db
    .selectFrom('artifacts')
    .select(['name', 'storage_key', 'content_type'])
    .where('id', '=', artifactId)
    .where('job_id', '=', jobId)
    .where('completed_at', 'is not', null)
    .executeTakeFirst()
  if (row === undefined) throw notFound('artifact', artifactId)
  const fileName = row.name.split('/').at(-1) ?? row.name
  const options = { fileName, contentType: row.content_type, expiresInSeconds: REDIRECT_EXPIRY_SECONDS }
  return (await context.store.signGet(row.storage_key, options)).url
}
