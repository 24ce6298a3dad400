import type { Member, SetMemberRequest } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import { notFound, TrainyardError } from '../errors.ts'
import type { Caller } from './caller.ts'
import { requireCan } from './can.ts'
import type { Identity } from './open-identity.ts'
import { requireOrganisation } from './organisations.ts'
import type { IdentityDatabase } from './tables.ts'

/** The people of an organisation, those who came first before the others. */
export async function listMembers({ database }: Identity, caller: Caller, organisation: string): Promise<Member[]> {
  const { organisationId } = requireOrganisation(caller, organisation, 'organisation:read')
  const rows = await membersOf(database.db, organisationId).execute()
  return rows.map(toMember)
}

/** Adds somebody who has an account, or changes their role. Only owners make and unmake owners. */
export async function setMember(
  identity: Identity,
  caller: Caller,
  organisation: string,
  { email, role }: SetMemberRequest,
): Promise<Member> {
  const { organisationId } = requireOrganisation(caller, organisation, 'members:write')
  if (role === 'owner') requireCan(caller, 'owners:write', { organisationId })
  return await identity.database.transaction(async (trx) => {
    await lockMembers(trx, organisationId)
    const account = await trx
      .selectFrom('accounts')
      .select('id')
      .where(sql`lower(email)`, '=', email.toLowerCase())
      .where('disabled_at', 'is', null)
      .executeTakeFirst()
    if (account === undefined) throw notFound('account', email)
    const before = await roleOf(trx, organisationId, account.id)
    if (before === 'owner' && role !== 'owner') await requireOtherOwner(trx, caller, organisationId, account.id)
    await trx
      .insertInto('memberships')
      .values({ organisation_id: organisationId, account_id: account.id, role })
      .onConflict((conflict) => conflict.columns(['organisation_id', 'account_id']).doUpdateSet({ role }))
      .execute()
    await identity.audit(trx, {
      ...{ actor: caller.subject, action: 'member.set', subject: account.id, organisationId },
      data: { role, ...(before === undefined ? {} : { before }) },
    })
    return toMember(
      await membersOf(trx, organisationId).where('accounts.id', '=', account.id).executeTakeFirstOrThrow(),
    )
  })
}

/** Takes somebody out. Everybody may leave, but for the last owner. */
export async function removeMember(
  identity: Identity,
  caller: Caller,
  organisation: string,
  accountId: string,
): Promise<void> {
  const isLeaving = caller.account?.id === accountId && caller.scopes === undefined
  const { organisationId } = requireOrganisation(
    caller,
    organisation,
    isLeaving ? 'organisation:read' : 'members:write',
  )
  await identity.database.transaction(async (trx) => {
    await lockMembers(trx, organisationId)
    const role = await roleOf(trx, organisationId, accountId)
    if (role === undefined) throw notFound('member', accountId)
    if (role === 'owner') await requireOtherOwner(trx, caller, organisationId, accountId)
    await trx
      .deleteFrom('memberships')
      .where('organisation_id', '=', organisationId)
      .where('account_id', '=', accountId)
      .execute()
    await identity.audit(trx, {
      ...{ actor: caller.subject, action: 'member.remove', subject: accountId, organisationId },
      data: { before: role },
    })
  })
}

/** Two owners who remove each other at the same time would leave nobody. */
async function lockMembers(trx: Transaction<IdentityDatabase>, organisationId: string): Promise<void> {
  await trx.selectFrom('organisations').select('id').where('id', '=', organisationId).forUpdate().execute()
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
    throw new TrainyardError('conflict', 'An organisation needs an owner: make somebody else one first')
}

function membersOf(db: Identity['database']['db'], organisationId: string) {
  return db
    .selectFrom('memberships')
    .innerJoin('accounts', 'accounts.id', 'memberships.account_id')
    .select(['accounts.id', 'accounts.email', 'accounts.display_name', 'role', 'memberships.created_at'])
    .where('organisation_id', '=', organisationId)
    .orderBy('memberships.created_at')
    .orderBy('accounts.id')
}

type MemberRow = Awaited<ReturnType<ReturnType<typeof membersOf>['executeTakeFirstOrThrow']>>

function toMember(row: MemberRow): Member {
  return {
    ...{ accountId: row.id, displayName: row.display_name, role: row.role, since: row.created_at.toISOString() },
    ...(row.email === null ? {} : { email: row.email }),
  }
}
