import type { ImageObject, SplitName } from '@trainyard/contract'
import type { Generated } from 'kysely'
import type { Json } from '../columns.ts'

/** Everything under `datasets/{dataset_id}/` in the object store. Annotation files have neither split nor label. */
export interface DatasetFilesTable {
  dataset_id: string
  path: string
  role: 'image' | 'annotation'
  size_bytes: number
  /** Null for an image that is only referenced: its `etag` shows whether it has changed. */
  sha256: string | null
  /** As reported by the store. Null where it was not recorded, and for a file that was generated here. */
  etag: Generated<string | null>
  split: SplitName | null
  /** Whether the dataset itself assigns the split; otherwise it follows from the hash of the path. */
  split_given: Generated<boolean>
  /** Classes that occur in the image. */
  class_ids: Generated<number[] | null>
  labelled: boolean
  /** In pixels, as shown. Null where it is not known. */
  width: Generated<number | null>
  height: Generated<number | null>
  /** What the pages draw on the image. Null where it was not recorded. */
  objects: Json<ImageObject[]> | Generated<null>
}
