import type { Generated } from 'kysely'

/**
 * At most one per account, deleted once it is used. Kept apart from the tokens, because the secret of a reset must never
 * authenticate a request.
 */
export interface PasswordResetsTable {
  account_id: string
  secret_hash: string
  created_at: Generated<Date>
  expires_at: Date
}
