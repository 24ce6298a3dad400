import type { CreateOrganisationRequest, Organisation } from '@trainyard/contract'
import type { Transaction } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requirePerson } from '../permissions/require-person.ts'

/**
 * Creates an organisation with the caller as its owner, and the project `default` in it. The slug is a namespace too.
 *
 * @throws TrainyardError `forbidden` for tokens, `conflict` when the slug is taken
 */
export async function createOrganisation(
  identity: IdentityStore,
  caller: Caller,
  { slug, displayName = slug }: CreateOrganisationRequest,
): Promise<Organisation> {
  const account = requirePerson(caller)
  return await identity.database.transaction(async (trx) => {
    const row = await insertOrganisation(trx, { slug, displayName })
    if (row === undefined) throw new TrainyardError('conflict', `The name "${slug}" is taken`)
    await trx
      .insertInto('memberships')
      .values({ organisation_id: row.id, account_id: account.id, role: 'owner' })
      .execute()
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'organisation.create',
      subject: row.id,
      subjectName: slug,
      organisationId: row.id,
      data: { slug },
    })
    return { id: row.id, slug, displayName, createdAt: row.created_at.toISOString(), role: 'owner' }
  })
}

/** Inserts an organisation and its project `default`. Returns undefined when the slug is taken. */
export async function insertOrganisation(
  trx: Transaction<IdentityDatabase>,
  { slug, displayName }: { slug: string; displayName: string },
) {
  const row = await trx
    .insertInto('organisations')
    .values({ id: newId('org'), slug, display_name: displayName })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row !== undefined) {
    await trx
      .insertInto('projects')
      .values({ id: newId('prj'), organisation_id: row.id, slug: 'default', display_name: 'Default' })
      .execute()
  }
  return row
}

/** The organisations of which the caller is a member, ordered by slug. */
export async function listOrganisations({ database }: IdentityStore, caller: Caller): Promise<Organisation[]> {
  const roles = new Map(caller.memberships.map(({ organisationId, role }) => [organisationId, role]))
  if (roles.size === 0) return []
  const rows = await database.db
    .selectFrom('organisations')
    .selectAll()
    .where('id', 'in', [...roles.keys()])
    .orderBy('slug')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    slug: row.slug,
    displayName: row.display_name,
    createdAt: row.created_at.toISOString(),
    role: roles.get(row.id) ?? 'viewer',
  }))
}
