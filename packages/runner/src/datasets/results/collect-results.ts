import type { DatasetContext } from '../context.ts'
import { deleteLater, finishDeletions } from '../storage/pending-deletions.ts'
import { resultKey } from '../storage/storage-keys.ts'

const KEPT_MS = 7 * 24 * 3600 * 1000

/** Deletes the results that were not used for a week: they can be made again. */
export async function collectResults(context: DatasetContext): Promise<void> {
  const now = context.clock.now()
  const removed = await context.database.transaction(async (trx) => {
    const rows = await trx
      .deleteFrom('dataset_results')
      .where('used_at', '<', new Date(now.getTime() - KEPT_MS))
      .returning(['dataset_id', 'name'])
      .execute()
    const deletions = rows.map(({ dataset_id: id, name }) => ({ prefix: resultKey(id, name) }))
    await deleteLater(trx, deletions, now)
    return rows.length
  })
  if (removed > 0) await finishDeletions(context)
}
