import type { Role } from '@trainyard/contract'
import type { ColumnType, Generated, JSONColumnType, Selectable } from 'kysely'

interface AccountsTable {
  id: string
  /** Unique whatever its case. Absent for accounts of another issuer and for the local owner. */
  email: string | null
  display_name: string
  /** With its parameters in it; absent when nobody can log in with a password. */
  password_hash: string | null
  operator: boolean
  created_at: Generated<Date>
  disabled_at: Date | null
}
export type AccountRow = Selectable<AccountsTable>

interface OrganisationsTable {
  id: string
  slug: string
  display_name: string
  created_at: Generated<Date>
}

interface MembershipsTable {
  organisation_id: string
  account_id: string
  role: Role
  created_at: Generated<Date>
}

interface ProjectsTable {
  id: string
  organisation_id: string
  slug: string
  display_name: string
  created_at: Generated<Date>
}

interface TokensTable {
  id: string
  /** A session is a token that a login made. */
  kind: ColumnType<'api' | 'session', 'api' | 'session' | undefined, never>
  /** The account's id; of a token without an account any name. */
  owner: string
  account_id: string | null
  /** Of use in this organisation, or this project, alone. */
  organisation_id: string | null
  project_id: string | null
  name: string
  scopes: JSONColumnType<string[]>
  secret_hash: string
  created_at: Generated<Date>
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}

/** At most one an account; gone once it is used. Not among the tokens: it must never speak for anybody. */
interface PasswordResetsTable {
  account_id: string
  secret_hash: string
  created_at: Generated<Date>
  expires_at: Date
}

/** Who an issuer's subject is here. */
interface ExternalAccountsTable {
  issuer: string
  subject: string
  account_id: string
}

/** Tries within a window, for all replicas together. */
interface RateLimitsTable {
  key: string
  count: number
  resets_at: Date
}

interface AuditTable {
  id: Generated<number>
  at: Generated<Date>
  actor: string
  action: string
  subject: string
  organisation_id: string | null
  project_id: string | null
  data: ColumnType<unknown, string, never>
}

export interface IdentityDatabase {
  accounts: AccountsTable
  organisations: OrganisationsTable
  memberships: MembershipsTable
  projects: ProjectsTable
  tokens: TokensTable
  password_resets: PasswordResetsTable
  external_accounts: ExternalAccountsTable
  rate_limits: RateLimitsTable
  audit: AuditTable
}
