import type { Organisation } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { notifyAccessChange } from '../access-changes/access-changes.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requirePerson } from '../permissions/require-person.ts'
import { hashSecret, isWellFormedSecret } from '../tokens/secrets.ts'
import { couldStillGrant } from './find-invitation.ts'
import { lockMembers } from './lock-members.ts'

/**
 * Joins an organisation with an invitation to the caller's email. The invitation counts only as long as the member who invited
 * could still grant the role.
 *
 * @throws TrainyardError `forbidden` for tokens, and for an account with another email; `not_found` with one message for
 *   unknown, used, replaced, withdrawn and expired invitations; `conflict` for a member
 */
export async function redeemInvitation(
  identity: IdentityStore,
  caller: Caller,
  { organisation, secret }: { organisation: string; secret: string },
): Promise<Organisation> {
  const account = requirePerson(caller)
  if (!isWellFormedSecret(secret)) throw invalidInvitation()
  return await identity.database.transaction(async (trx) => {
    const invitation = await takeInvitation(trx, organisation, secret)
    if (account.email?.toLowerCase() !== invitation.email.toLowerCase())
      throw new TrainyardError(
        'forbidden',
        'This invitation is for another email: sign in with the email that was invited, or ask for a new invitation',
      )
    const { organisation_id: organisationId, role } = invitation
    const joined = await trx
      .insertInto('memberships')
      .values({ organisation_id: organisationId, account_id: account.id, role })
      .onConflict((conflict) => conflict.doNothing())
      .returning('role')
      .executeTakeFirst()
    if (joined === undefined) throw new TrainyardError('conflict', 'You are a member of this organisation already')
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'member.join',
      subject: account.id,
      subjectName: account.displayName,
      organisationId,
      data: { role, invitation: invitation.id, invitedBy: invitation.invited_by },
    })
    await notifyAccessChange(identity, trx)
    const row = await trx
      .selectFrom('organisations')
      .selectAll()
      .where('id', '=', organisationId)
      .executeTakeFirstOrThrow()
    const { id, slug, display_name: displayName, created_at: createdAt } = row
    return { id, slug, displayName, createdAt: createdAt.toISOString(), role }
  })
}

/** Deletes the invitation, unless the transaction fails, and checks the right of the member who created it. */
async function takeInvitation(trx: Transaction<IdentityDatabase>, slug: string, secret: string) {
  const secretHash = hashSecret(secret)
  const found = await trx
    .selectFrom('member_invitations')
    .innerJoin('organisations', 'organisations.id', 'organisation_id')
    .select('organisation_id')
    .where('secret_hash', '=', secretHash)
    .where('slug', '=', slug)
    .executeTakeFirst()
  if (found === undefined) throw invalidInvitation()
  // The member who invited must not lose their role between the check and the commit.
  await lockMembers(trx, found.organisation_id)
  const invitation = await trx
    .deleteFrom('member_invitations')
    .where('secret_hash', '=', secretHash)
    .where('expires_at', '>', sql<Date>`now()`)
    .returningAll()
    .executeTakeFirst()
  if (invitation === undefined) throw invalidInvitation()
  if (!(await couldStillGrant(trx, invitation))) throw invalidInvitation()
  return invitation
}

function invalidInvitation(): TrainyardError {
  return new TrainyardError(
    'not_found',
    'The invitation was used, replaced or withdrawn, or has expired: ask for a new one',
  )
}
