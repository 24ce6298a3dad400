import type { Generated } from 'kysely'

/**
 * Objects to delete. The row is written in the transaction that removes the rows which referred to them, and is removed
 * once the objects are gone.
 */
export interface PendingDeletionsTable {
  /** Prefix of the keys. With `upload_id` it is the key of a multipart upload to abort. */
  prefix: string
  upload_id: string
  created_at: Generated<Date>
}
