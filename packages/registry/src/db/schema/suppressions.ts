/** A finding that the owner of a trainer suppressed, for every version of the trainer. */
export interface SuppressionTable {
  repository_id: number
  check_name: string
  fingerprint: string
  reason: string
  suppressed_by: string
  created_at: Date
}
