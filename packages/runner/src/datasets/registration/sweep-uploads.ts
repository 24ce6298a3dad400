import type { DatasetContext } from '../context.ts'
import { datasetKey } from '../storage/storage-keys.ts'

/** No upload takes so long to store: whoever began it is gone. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000

/** Removes the objects of uploads that a dead process left half-stored. One cheap query when there are none. */
export async function sweepUploads(context: DatasetContext): Promise<void> {
  const abandoned = await context.database.db
    .selectFrom('dataset_uploads')
    .select('id')
    .where('started_at', '<', new Date(context.clock.now().getTime() - ABANDONED_AFTER_MS))
    .execute()
  for (const { id } of abandoned) {
    context.logger.warn({ dataset: id }, 'removing an upload that was never finished')
    await removeUpload(context, id)
  }
}

/** Objects first: the row is what says that there may be some. */
export async function removeUpload(context: DatasetContext, id: string): Promise<void> {
  await context.store.deletePrefix(datasetKey(id))
  await context.database.db.deleteFrom('dataset_uploads').where('id', '=', id).execute()
}
