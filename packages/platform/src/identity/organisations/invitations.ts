import type { CreatedMemberInvitation, MemberInvitation, SetMemberRequest } from '@trainyard/contract'
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import { notFound, TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { MemberInvitationsTable } from '../db/schema/member-invitations.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requireOrganisation } from '../permissions/require-organisation.ts'
import { hashSecret, newSecret } from '../tokens/secrets.ts'

const LIFETIME_DAYS = 7
/** Bounds what one organisation stores. Expired ones do not count. */
const MAX_PENDING = 500

/**
 * Creates a secret with which the account of this email can join, once, within a week. It replaces an earlier invitation of the
 * email. Whether there is such an account is not read: the caller must not learn it, not even from the time that this takes.
 * Runs in a transaction that holds the lock on the members.
 *
 * @throws TrainyardError `conflict` when too many invitations are pending
 */
export async function insertInvitation(
  identity: IdentityStore,
  trx: Transaction<IdentityDatabase>,
  { caller, organisationId, email, role }: SetMemberRequest & { caller: Caller; organisationId: string },
): Promise<Omit<CreatedMemberInvitation, 'emailed'>> {
  const { id: invitedBy } = accountOf(caller)
  await deleteInvitation(trx, organisationId, email)
  await trx
    .deleteFrom('member_invitations')
    .where('organisation_id', '=', organisationId)
    .where('expires_at', '<=', sql<Date>`now()`)
    .execute()
  if ((await selectInvitations(trx, organisationId)).length >= MAX_PENDING)
    throw new TrainyardError(
      'conflict',
      `${MAX_PENDING} invitations to this organisation are pending, which is the most: withdraw some first`,
    )
  const secret = newSecret()
  const row = await trx
    .insertInto('member_invitations')
    .values({
      id: newId('inv'),
      organisation_id: organisationId,
      email,
      role,
      secret_hash: hashSecret(secret),
      invited_by: invitedBy,
      issuer_role: caller.credentials === 'issuer',
      token_id: caller.credentials === 'token' ? (caller.tokenId ?? null) : null,
      expires_at: sql<Date>`now() + make_interval(days => ${LIFETIME_DAYS})`,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await writeAudit(identity, trx, {
    ...actorOf(caller),
    action: 'member.invite',
    subject: row.id,
    subjectName: email,
    organisationId,
    data: { role },
  })
  return { ...toInvitation(row), secret }
}

/** A token without an account has no membership, so it does not get here. */
function accountOf({ account }: Caller) {
  if (account === undefined) throw new TrainyardError('forbidden', 'This is not available without an account')
  return account
}

/** Deletes the invitation of an email that has become a member, or is invited again. */
export async function deleteInvitation(
  trx: Transaction<IdentityDatabase>,
  organisationId: string,
  email: string,
): Promise<void> {
  await trx
    .deleteFrom('member_invitations')
    .where('organisation_id', '=', organisationId)
    .where(sql`lower(email)`, '=', email.toLowerCase())
    .execute()
}

/** The invitations to an organisation that can still be used, oldest first. */
export async function listInvitations(
  db: Kysely<IdentityDatabase>,
  organisationId: string,
): Promise<MemberInvitation[]> {
  return (await selectInvitations(db, organisationId)).map(toInvitation)
}

/** Ends an invitation before it is used. */
export async function withdrawInvitation(
  identity: IdentityStore,
  caller: Caller,
  organisation: string,
  id: string,
): Promise<void> {
  const { organisationId } = requireOrganisation(caller, organisation, 'members:write')
  await identity.database.transaction(async (trx) => {
    const row = await trx
      .deleteFrom('member_invitations')
      .where('organisation_id', '=', organisationId)
      .where('id', '=', id)
      .where('expires_at', '>', sql<Date>`now()`)
      .returning(['email', 'role'])
      .executeTakeFirst()
    if (row === undefined) throw notFound('invitation', id)
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'member.withdraw',
      subject: id,
      subjectName: row.email,
      organisationId,
      data: { role: row.role },
    })
  })
}

async function selectInvitations(db: Kysely<IdentityDatabase>, organisationId: string) {
  return await db
    .selectFrom('member_invitations')
    .selectAll()
    .where('organisation_id', '=', organisationId)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

function toInvitation(row: Selectable<MemberInvitationsTable>): MemberInvitation {
  return {
    id: row.id,
    email: row.email,
    role: row.role,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  }
}
