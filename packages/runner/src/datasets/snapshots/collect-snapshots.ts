import type { DatasetContext } from '../context.ts'
import { deleteLater, finishDeletions } from '../storage/pending-deletions.ts'
import { snapshotKey } from '../storage/storage-keys.ts'

/** A job that is being created has its snapshot before it has its row. */
const GRACE_MS = 3600 * 1000

/** Which of these snapshots a job refers to, whatever its state. */
export type FindUsedSnapshots = (ids: readonly string[]) => Promise<ReadonlySet<string>>

/** Removes the snapshots, and the splits, that no job refers to any more. */
export async function collectSnapshots(context: DatasetContext, findUsed: FindUsedSnapshots): Promise<string[]> {
  const { db } = context.database
  const old = await db
    .selectFrom('dataset_snapshots')
    .select('id')
    .where('created_at', '<', new Date(context.clock.now().getTime() - GRACE_MS))
    .execute()
  const removed: string[] = []
  for (const { id } of old) {
    const gone = await context.database.transaction(async (trx) => {
      const row = await trx
        .selectFrom('dataset_snapshots')
        .select('id')
        .where('id', '=', id)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst()
      // Under the lock: a job that takes the snapshot now waits, and then finds it gone.
      if (row === undefined || (await findUsed([id])).has(id)) return false
      await trx.deleteFrom('dataset_snapshots').where('id', '=', id).execute()
      await deleteLater(trx, [{ prefix: snapshotKey(id) }], context.clock.now())
      return true
    })
    if (gone) removed.push(id)
  }
  if (removed.length > 0) {
    context.logger.info({ snapshots: removed.length }, 'snapshots that no job needs were removed')
    await finishDeletions(context)
  }
  return removed
}
