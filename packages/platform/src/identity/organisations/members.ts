import type { CreatedMemberInvitation, Member, MemberList, SetMemberRequest } from '@trainyard/contract'
import { type Kysely, sql, type Transaction } from 'kysely'
import { notFound, TrainyardError } from '../../errors.ts'
import { notifyAccessChange } from '../access-changes/access-changes.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { can, organisationsFor, requireCan } from '../permissions/can.ts'
import { isOperator } from '../permissions/require-operator.ts'
import { requireOrganisation } from '../permissions/require-organisation.ts'
import { deleteInvitation, insertInvitation, listInvitations } from './invitations.ts'
import { lockMembers } from './lock-members.ts'

/** The members of an organisation, in the order in which they joined. Who can manage members also sees invitations. */
export async function listMembers(
  { database }: IdentityStore,
  caller: Caller,
  organisation: string,
): Promise<MemberList> {
  const { organisationId } = requireOrganisation(caller, organisation, 'members:read')
  const rows = await selectMembers(database.db, organisationId).execute()
  const invitations = can(caller, 'members:write', { organisationId })
    ? await listInvitations(database.db, organisationId)
    : undefined
  return { members: rows.map(toMember), invitations }
}

/** The person was added, or invited because the caller must not learn whether they have an account. */
export type SetMemberOutcome = { member: Member } | { invitation: Omit<CreatedMemberInvitation, 'emailed'> }

/**
 * Adds a person whose account the caller can see, or changes their role; invites everyone else, whether or not they have an
 * account. Only owners can grant or revoke the role owner.
 */
export async function setMember(
  identity: IdentityStore,
  caller: Caller,
  organisation: string,
  { email, role }: SetMemberRequest,
): Promise<SetMemberOutcome> {
  const { organisationId } = requireOrganisation(caller, organisation, 'members:write')
  if (role === 'owner') requireCan(caller, 'owners:write', { organisationId })
  return await identity.database.transaction(async (trx) => {
    await lockMembers(trx, organisationId)
    const account = await findVisibleAccount(trx, caller, email)
    if (account === undefined)
      return { invitation: await insertInvitation(identity, trx, { caller, organisationId, email, role }) }
    await deleteInvitation(trx, organisationId, email)
    const before = await roleOf(trx, organisationId, account.id)
    if (before === 'owner' && role !== 'owner') await requireOtherOwner(trx, caller, organisationId, account.id)
    await trx
      .insertInto('memberships')
      .values({ organisation_id: organisationId, account_id: account.id, role })
      .onConflict((conflict) => conflict.columns(['organisation_id', 'account_id']).doUpdateSet({ role }))
      .execute()
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'member.set',
      subject: account.id,
      subjectName: account.display_name,
      organisationId,
      data: { role, before },
    })
    await notifyAccessChange(identity, trx)
    const member = selectMembers(trx, organisationId).where('accounts.id', '=', account.id)
    return { member: toMember(await member.executeTakeFirstOrThrow()) }
  })
}

/** Removes a member. Every member can leave, except the last owner. */
export async function removeMember(
  identity: IdentityStore,
  caller: Caller,
  organisation: string,
  accountId: string,
): Promise<void> {
  const isLeaving = caller.account?.id === accountId && caller.scopes === undefined
  const action = isLeaving ? 'organisation:read' : 'members:write'
  const { organisationId } = requireOrganisation(caller, organisation, action)
  await identity.database.transaction(async (trx) => {
    await lockMembers(trx, organisationId)
    const role = await roleOf(trx, organisationId, accountId)
    const account = await trx
      .selectFrom('accounts')
      .select('display_name')
      .where('id', '=', accountId)
      .executeTakeFirst()
    if (role === undefined) throw notFound('member', accountId)
    if (role === 'owner') await requireOtherOwner(trx, caller, organisationId, accountId)
    await trx
      .deleteFrom('memberships')
      .where('organisation_id', '=', organisationId)
      .where('account_id', '=', accountId)
      .execute()
    await trx
      .deleteFrom('member_invitations')
      .where('organisation_id', '=', organisationId)
      .where('invited_by', '=', accountId)
      .execute()
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'member.remove',
      subject: accountId,
      subjectName: account?.display_name,
      organisationId,
      data: { before: role },
    })
    await notifyAccessChange(identity, trx)
  })
}

/**
 * The account with this email, if the caller is an operator or shares an organisation with it whose members they can list.
 * Others first select the accounts that they can see: an account that they cannot see takes the same time as none.
 */
async function findVisibleAccount(trx: Transaction<IdentityDatabase>, caller: Caller, email: string) {
  const accounts = trx
    .with(
      (cte) => cte('visible').materialized(),
      (db) => {
        const query = db.selectFrom('accounts').select(['id', 'email', 'display_name']).where('disabled_at', 'is', null)
        if (isOperator(caller)) return query.where(sql`lower(email)`, '=', email.toLowerCase())
        const shared = db
          .selectFrom('memberships')
          .select('account_id')
          .where('organisation_id', 'in', organisationsFor(caller, 'members:read'))
        return query.where('id', 'in', shared)
      },
    )
    .selectFrom('visible')
    .select(['id', 'display_name'])
    .where(sql`lower(email)`, '=', email.toLowerCase())
  return await accounts.executeTakeFirst()
}

async function roleOf(trx: Transaction<IdentityDatabase>, organisationId: string, accountId: string) {
  const row = await trx
    .selectFrom('memberships')
    .select('role')
    .where('organisation_id', '=', organisationId)
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row?.role
}

async function requireOtherOwner(
  trx: Transaction<IdentityDatabase>,
  caller: Caller,
  organisationId: string,
  accountId: string,
): Promise<void> {
  if (caller.account?.id !== accountId) requireCan(caller, 'owners:write', { organisationId })
  const other = await trx
    .selectFrom('memberships')
    .select('account_id')
    .where('organisation_id', '=', organisationId)
    .where('role', '=', 'owner')
    .where('account_id', '!=', accountId)
    .executeTakeFirst()
  if (other === undefined)
    throw new TrainyardError('conflict', 'An organisation needs an owner: make another member an owner first')
}

function selectMembers(db: Kysely<IdentityDatabase>, organisationId: string) {
  return db
    .selectFrom('memberships')
    .innerJoin('accounts', 'accounts.id', 'memberships.account_id')
    .select(['accounts.id', 'accounts.email', 'accounts.display_name', 'role', 'memberships.created_at'])
    .where('organisation_id', '=', organisationId)
    .orderBy('memberships.created_at')
    .orderBy('accounts.id')
}

type MemberRow = Awaited<ReturnType<ReturnType<typeof selectMembers>['executeTakeFirstOrThrow']>>

function toMember(row: MemberRow): Member {
  return {
    accountId: row.id,
    email: row.email ?? undefined,
    displayName: row.display_name,
    role: row.role,
    since: row.created_at.toISOString(),
  }
}
