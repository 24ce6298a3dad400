import type { DatasetContext } from '../context.ts'
import { deleteLater, finishDeletions } from '../storage/pending-deletions.ts'
import { snapshotKey } from '../storage/storage-keys.ts'

/** A snapshot is created before the row of its job. */
const GRACE_MS = 3600 * 1000

/** The snapshots among these that a job in any state refers to. */
export type FindUsedSnapshots = (ids: readonly string[]) => Promise<ReadonlySet<string>>

/** Deletes the snapshots that no job refers to, with their splits. Returns their ids. */
export async function collectSnapshots(context: DatasetContext, findUsed: FindUsedSnapshots): Promise<string[]> {
  const { db } = context.database
  const old = await db
    .selectFrom('dataset_snapshots')
    .select('id')
    .where('created_at', '<', new Date(context.clock.now().getTime() - GRACE_MS))
    .execute()
  const removed: string[] = []
  for (const { id } of old) {
    const isRemoved = await context.database.transaction(async (trx) => {
      const row = await trx
        .selectFrom('dataset_snapshots')
        .select('id')
        .where('id', '=', id)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst()
      // Checked under the lock: a job that uses the snapshot waits for it, and then does not find the row.
      if (row === undefined || (await findUsed([id])).has(id)) return false
      await trx.deleteFrom('dataset_snapshots').where('id', '=', id).execute()
      await deleteLater(trx, [{ prefix: snapshotKey(id) }], context.clock.now())
      return true
    })
    if (isRemoved) removed.push(id)
  }
  if (removed.length > 0) {
    context.logger.info({ snapshots: removed.length }, 'snapshots that no job uses were deleted')
    await finishDeletions(context)
  }
  return removed
}
