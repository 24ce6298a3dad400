import type { Kysely, Transaction } from 'kysely'
import type { DatasetTables } from '../../db/schema/index.ts'
import type { DatasetContext } from '../context.ts'

export interface PendingDeletion {
  /** All objects whose keys begin with it; with an upload id the key of that multipart upload. */
  prefix: string
  uploadId?: string
}

/** Writes down, in the transaction that removes their rows, which objects are to go. */
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

/** Removes the objects, and then the note. What a dead process, or a store that was away, left is done by the next call. */
export async function finishDeletions(context: Pick<DatasetContext, 'database' | 'store' | 'logger'>): Promise<number> {
  const { db } = context.database
  let done = 0
  for (const { prefix, upload_id: uploadId } of await db.selectFrom('pending_deletions').selectAll().execute()) {
    try {
      if (uploadId === '') await context.store.deletePrefix(prefix)
      else await context.store.abortMultipart(prefix, uploadId)
    } catch (error) {
      context.logger.warn({ err: error, prefix }, 'objects could not be deleted; it is tried again')
      continue
    }
    await db.deleteFrom('pending_deletions').where('prefix', '=', prefix).where('upload_id', '=', uploadId).execute()
    done++
  }
  return done
}
