import type { Generated } from 'kysely'

/** Deleted when they are used. Kept apart from the tokens, because a code must never authenticate a request. */
export interface SignInCodesTable {
  secret_hash: string
  account_id: string
  created_at: Generated<Date>
  expires_at: Date
}
