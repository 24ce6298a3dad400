import { posix } from 'node:path'
import type { ArtifactKind } from '@trainyard/contract'
import type { CallbackContext } from '../callback/callback-context.ts'

/** A complete file of the attempt. */
export interface UploadedFile {
  id: string
  /** Its name without folder and extension. */
  stem: string
  epoch: number | undefined
}

/** The file that the attempt uploaded last, or the one with this id. Undefined when there is none. */
export async function findUploaded(
  { database }: Pick<CallbackContext, 'database'>,
  { jobId, attempt, kind, id }: { jobId: number; attempt: number; kind: ArtifactKind; id?: string | undefined },
): Promise<UploadedFile | undefined> {
  let query = database.db
    .selectFrom('artifacts')
    .select(['id', 'name', 'epoch'])
    .where('job_id', '=', jobId)
    .where('completed_at', 'is not', null)
  query = id === undefined ? query.where('attempt', '=', attempt).where('kind', '=', kind) : query.where('id', '=', id)
  const row = await query.orderBy('completed_at', 'desc').orderBy('position', 'desc').limit(1).executeTakeFirst()
  if (row === undefined) return undefined
  return { id: row.id, stem: posix.parse(row.name).name, epoch: row.epoch ?? undefined }
}
