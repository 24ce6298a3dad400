import type { ColumnType, Generated, JSONColumnType, Selectable } from 'kysely'
import type { CallerCredentials } from '../../permissions/caller.ts'

export type TokenKind = 'api' | 'session' | 'owner'

export interface TokensTable {
  id: string
  /** A session is a token that was issued at sign-in; an owner's is the one in the data folder of the local owner. */
  kind: ColumnType<TokenKind, TokenKind | undefined, never>
  /** The account's id, or any name for a token without an account. */
  owner: string
  account_id: string | null
  /** The token is valid in this organisation only. */
  organisation_id: string | null
  /** The token is valid in this project only. */
  project_id: string | null
  /** The token that created this one. This one has no more scopes, and ends with it. */
  parent_id: ColumnType<string | null, string | null | undefined, never>
  /** How the caller that created the token was authenticated. Null: an operator's command, or before this was recorded. */
  created_by: ColumnType<CallerCredentials | null, CallerCredentials | null | undefined, never>
  /** Id of the token or session that created the token. The session may have been deleted. */
  created_by_id: ColumnType<string | null, string | null | undefined, never>
  name: string
  scopes: JSONColumnType<string[]>
  secret_hash: string
  created_at: Generated<Date>
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}

export type TokenRow = Selectable<TokensTable>
