import type { Generated } from 'kysely'

/** A blob that perhaps no repository links. The collector checks it after a delay. */
export interface BlobReviewTable {
  digest: string
  queued_at: Generated<Date>
}
