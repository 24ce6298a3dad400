import type { Role } from '@trainyard/contract'
import type { Generated } from 'kysely'

/** At most one for an email in an organisation, deleted once it is used. The secret authenticates no request. */
export interface MemberInvitationsTable {
  id: string
  organisation_id: string
  email: string
  role: Role
  secret_hash: string
  /** Account of the member who invited. The invitation ends with their right to grant the role. */
  invited_by: string
  /** The role of that member came from an issuer and is not stored, so it cannot be checked later. */
  issuer_role: boolean
  /** The API token that was used. The invitation ends with it. Null: a person who was signed in. */
  token_id: string | null
  created_at: Generated<Date>
  expires_at: Date
}
