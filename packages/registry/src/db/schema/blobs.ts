import type { Generated } from 'kysely'

/** Bytes in the object store, shared by all repositories. `repository_blobs` decides who may read them. */
export interface BlobTable {
  digest: string
  size_bytes: number
  created_at: Generated<Date>
}
