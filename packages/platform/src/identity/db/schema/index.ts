import type { AccountsTable } from './accounts.ts'
import type { AuditTable } from './audit.ts'
import type { ExternalAccountsTable } from './external-accounts.ts'
import type { MemberInvitationsTable } from './member-invitations.ts'
import type { MembershipsTable } from './memberships.ts'
import type { OrganisationsTable } from './organisations.ts'
import type { PasswordResetsTable } from './password-resets.ts'
import type { ProjectsTable } from './projects.ts'
import type { RateLimitsTable } from './rate-limits.ts'
import type { SetupTable } from './setup.ts'
import type { SignInCodesTable } from './sign-in-codes.ts'
import type { TokensTable } from './tokens.ts'

/** The tables of the schema `identity`, which runner and registry share. */
export interface IdentityDatabase {
  accounts: AccountsTable
  organisations: OrganisationsTable
  memberships: MembershipsTable
  member_invitations: MemberInvitationsTable
  projects: ProjectsTable
  tokens: TokensTable
  password_resets: PasswordResetsTable
  setup: SetupTable
  sign_in_codes: SignInCodesTable
  external_accounts: ExternalAccountsTable
  rate_limits: RateLimitsTable
  audit: AuditTable
}
