import { type ObjectStore, TrainyardError } from '@trainyard/platform'
import type { DatasetSource } from '../../db/schema/datasets.ts'
import type { DatasetContext } from '../context.ts'
import { datasetKey } from '../storage/storage-keys.ts'

/** The key of an image in the store of {@link storeOf}. */
export function imageKey(datasetId: string, source: DatasetSource | null, path: string): string {
  return source === null ? datasetKey(datasetId, path) : `${source.prefix}${path}`
}

/** The store that holds the images of a dataset. Throws `unprocessable` for a bucket when the store has no buckets. */
export function storeOf(context: DatasetContext, source: DatasetSource | null): ObjectStore {
  if (source?.bucket === undefined) return context.store
  const { store } = context
  if (store.openBucket === undefined)
    throw new TrainyardError(
      'unprocessable',
      `The bucket "${source.bucket}" cannot be read: the object store is a folder, which has no buckets`,
    )
  return store.openBucket(source.bucket)
}
