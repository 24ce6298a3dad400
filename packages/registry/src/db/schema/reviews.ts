/** What an account thinks of a trainer that it ran: one review of each. */
export interface ReviewTable {
  id: string
  repository_id: number
  /** The account. */
  subject: string
  version: string
  rating: number
  text: string
  created_at: Date
  updated_at: Date
  reply: string | null
  replied_by: string | null
  replied_at: Date | null
  /** Set by a moderator. */
  hidden_reason: string | null
  hidden_by: string | null
  hidden_at: Date | null
}

export interface ReviewReportTable {
  review_id: string
  /** The account that reports it: once. */
  subject: string
  reason: string
  created_at: Date
  /** When a moderator decided. */
  decided_at: Date | null
}
