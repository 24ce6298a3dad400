import type { DatasetContext } from '../context.ts'
import { datasetKey } from '../storage/storage-keys.ts'

/** No upload takes this long, so its process has ended. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000

/** Deletes the objects of uploads whose process ended before they were complete. One cheap query when there are none. */
export async function sweepUploads(context: DatasetContext): Promise<void> {
  const abandoned = await context.database.db
    .selectFrom('dataset_uploads')
    .select('id')
    .where('started_at', '<', new Date(context.clock.now().getTime() - ABANDONED_AFTER_MS))
    .execute()
  for (const { id } of abandoned) {
    context.logger.warn({ dataset: id }, 'deleting an upload that was not completed')
    await removeUpload(context, id)
  }
}

/** Deletes the objects before the row: the row records that objects may exist. */
export async function removeUpload(context: DatasetContext, id: string): Promise<void> {
  await context.store.deletePrefix(datasetKey(id))
  await context.database.db.deleteFrom('dataset_uploads').where('id', '=', id).execute()
}
