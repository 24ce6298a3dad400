import type { Generated, Selectable } from 'kysely'

export interface AccountsTable {
  id: string
  /** Unique, ignoring case. Null for accounts of an external issuer and for the local owner. */
  email: string | null
  display_name: string
  /** Includes the parameters of the hash. Null when the account cannot sign in with a password. */
  password_hash: string | null
  operator: boolean
  created_at: Generated<Date>
  disabled_at: Date | null
}

export type AccountRow = Selectable<AccountsTable>
