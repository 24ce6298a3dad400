import { unlessBackup } from '@trainyard/platform'
import type { Kysely, Transaction } from 'kysely'
import type { DatasetTables } from '../../db/schema/index.ts'
import type { DatasetContext } from '../context.ts'

export interface PendingDeletion {
  /** All objects whose keys start with it; with an upload id, the key of that multipart upload. */
  prefix: string
  uploadId?: string | undefined
}

/** Records which objects to delete, in the transaction that deletes their rows. */
export async function deleteLater<T extends Pick<DatasetTables, 'pending_deletions'>>(
  transaction: Transaction<T>,
  deletions: readonly PendingDeletion[],
  now: Date,
): Promise<void> {
  if (deletions.length === 0) return
  const trx = transaction as unknown as Kysely<DatasetTables>
  await trx
    .insertInto('pending_deletions')
    .values(deletions.map(({ prefix, uploadId }) => ({ prefix, upload_id: uploadId ?? '', created_at: now })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/**
 * Deletes the recorded objects, then their records. Deletions that failed, because the process ended or the store did
 * not respond, or while a backup runs, are finished by the next call. Returns how many were finished.
 */
export async function finishDeletions(context: Pick<DatasetContext, 'database' | 'store' | 'logger'>): Promise<number> {
  const { db } = context.database
  let done = 0
  for (const { prefix, upload_id: uploadId } of await db.selectFrom('pending_deletions').selectAll().execute()) {
    try {
      const deleted = await unlessBackup(context.database, async () => {
        if (uploadId === '') await context.store.deletePrefix(prefix)
        else await context.store.abortMultipart(prefix, uploadId)
        return true
      })
      if (!deleted) break
    } catch (error) {
      context.logger.warn({ err: error, prefix }, 'objects could not be deleted; the deletion will be retried')
      continue
    }
    await db.deleteFrom('pending_deletions').where('prefix', '=', prefix).where('upload_id', '=', uploadId).execute()
    done++
  }
  return done
}
