import type { Generated } from 'kysely'

/** A link to a blob that perhaps no manifest of the repository needs. The collector checks it after a delay. */
export interface LinkReviewTable {
  repository_id: number
  digest: string
  queued_at: Generated<Date>
}
