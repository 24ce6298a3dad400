import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { artifactKey } from '../jobs/storage-keys.ts'

/** Gives a job a checkpoint, as if its trainer had uploaded it. */
export async function insertCheckpoint({ database, store }: RunnerContext, jobId: number, id: string): Promise<string> {
  const key = artifactKey(jobId, id, 'best.bin')
  const { sizeBytes, sha256 } = await store.put(key, Buffer.from('weights'))
  await database.db
    .insertInto('artifacts')
    .values({
      id,
      job_id: jobId,
      attempt: 1,
      kind: 'checkpoint',
      name: 'best.bin',
      size_bytes: sizeBytes,
      sha256,
      content_type: 'application/octet-stream',
      storage_key: key,
      position: sql<number>`nextval(pg_get_serial_sequence('logs', 'id'))`,
      completed_at: new Date(),
    })
    .execute()
  return id
}
