/** A request that a moderator publishes a rejected version. At most one of a check is open. */
export interface AppealTable {
  id: string
  check_id: string
  state: 'open' | 'approved' | 'refused'
  text: string
  created_by: string
  created_at: Date
  answer: string | null
  decided_by: string | null
  decided_at: Date | null
}
