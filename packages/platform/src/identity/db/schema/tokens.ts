import type { ColumnType, Generated, JSONColumnType, Selectable } from 'kysely'

export interface TokensTable {
  id: string
  /** A session is a token that was issued at sign-in. */
  kind: ColumnType<'api' | 'session', 'api' | 'session' | undefined, never>
  /** The account's id, or any name for a token without an account. */
  owner: string
  account_id: string | null
  /** The token is valid in this organisation only. */
  organisation_id: string | null
  /** The token is valid in this project only. */
  project_id: string | null
  name: string
  scopes: JSONColumnType<string[]>
  secret_hash: string
  created_at: Generated<Date>
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}

export type TokenRow = Selectable<TokensTable>
