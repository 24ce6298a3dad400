import { type Kysely, type Selectable, sql } from 'kysely'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { MemberInvitationsTable } from '../db/schema/member-invitations.ts'
import { isAtLeast, LEAST_ROLE } from '../permissions/roles.ts'
import { isValid } from '../tokens/is-valid.ts'
import { hashSecret, isWellFormedSecret } from '../tokens/secrets.ts'

/** The invitation of a secret, to one email, if it can still be used. It stays usable. */
export async function findInvitation(
  db: Kysely<IdentityDatabase>,
  { secret, email }: { secret: string; email: string },
): Promise<Selectable<MemberInvitationsTable> | undefined> {
  if (!isWellFormedSecret(secret)) return undefined
  const invitation = await db
    .selectFrom('member_invitations')
    .selectAll()
    .where('secret_hash', '=', hashSecret(secret))
    .where(sql`lower(email)`, '=', email.toLowerCase())
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return invitation !== undefined && (await couldStillGrant(db, invitation)) ? invitation : undefined
}

/** Whether the account and the token that created an invitation are valid, and the role of the account is still sufficient. */
export async function couldStillGrant(
  db: Kysely<IdentityDatabase>,
  invitation: Selectable<MemberInvitationsTable>,
): Promise<boolean> {
  const inviter = await db
    .selectFrom('accounts')
    .leftJoin('memberships', (join) =>
      join
        .onRef('memberships.account_id', '=', 'accounts.id')
        .on('memberships.organisation_id', '=', invitation.organisation_id),
    )
    .select('role')
    .where('accounts.id', '=', invitation.invited_by)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  if (inviter === undefined) return false
  const least = LEAST_ROLE[invitation.role === 'owner' ? 'owners:write' : 'members:write']
  if (!invitation.issuer_role && (inviter.role === null || !isAtLeast(inviter.role, least))) return false
  if (invitation.token_id === null) return true
  const token = db.selectFrom('tokens').select('id').where('id', '=', invitation.token_id).where(isValid)
  return (await token.executeTakeFirst()) !== undefined
}
