import type { CreateOrganisationRequest, CreateProjectRequest, Organisation, Project } from '@trainyard/contract'
import type { Transaction } from 'kysely'
import { notFound, TrainyardError } from '../errors.ts'
import { newId } from '../system/ids.ts'
import type { Caller, CallerMembership } from './caller.ts'
import { requireCan } from './can.ts'
import type { Identity } from './open-identity.ts'
import type { Action } from './roles.ts'
import type { IdentityDatabase } from './tables.ts'

/**
 * The caller's membership in an organisation, when it may do this there.
 *
 * @throws TrainyardError `not_found`, also for an organisation that the caller is not in; `forbidden`
 */
export function requireOrganisation(caller: Caller, slug: string, action: Action): CallerMembership {
  const membership = caller.memberships.find(({ organisation }) => organisation === slug)
  if (membership === undefined) throw notFound('organisation', slug)
  requireCan(caller, action, { organisationId: membership.organisationId })
  return membership
}

/** Makes an organisation with its caller as the owner, and a project `default` in it. The slug is a namespace as well. */
export async function createOrganisation(
  identity: Identity,
  caller: Caller,
  { slug, displayName = slug }: CreateOrganisationRequest,
): Promise<Organisation> {
  const { account } = caller
  if (account === undefined || caller.scopes !== undefined)
    throw new TrainyardError('forbidden', 'Organisations are made by people: sign in')
  return await identity.database.transaction(async (trx) => {
    const row = await insertOrganisation(trx, slug, displayName)
    if (row === undefined) throw new TrainyardError('conflict', `The name "${slug}" is taken`)
    await trx
      .insertInto('memberships')
      .values({ organisation_id: row.id, account_id: account.id, role: 'owner' })
      .execute()
    await trx
      .insertInto('projects')
      .values({ id: newId('prj'), organisation_id: row.id, slug: 'default', display_name: 'Default' })
      .execute()
    await identity.audit(trx, {
      ...{ actor: caller.subject, action: 'organisation.create', subject: row.id, organisationId: row.id },
      data: { slug },
    })
    return { id: row.id, slug, displayName, createdAt: row.created_at.toISOString(), role: 'owner' }
  })
}

/** Undefined when the slug is taken. */
export async function insertOrganisation(trx: Transaction<IdentityDatabase>, slug: string, displayName: string) {
  return await trx
    .insertInto('organisations')
    .values({ id: newId('org'), slug, display_name: displayName })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .returningAll()
    .executeTakeFirst()
}

/** Those that the caller is in. */
export async function listOrganisations({ database }: Identity, caller: Caller): Promise<Organisation[]> {
  const roles = new Map(caller.memberships.map(({ organisationId, role }) => [organisationId, role]))
  if (roles.size === 0) return []
  const rows = await database.db
    .selectFrom('organisations')
    .selectAll()
    .where('id', 'in', [...roles.keys()])
    .orderBy('slug')
    .execute()
  return rows.map((row) => ({
    ...{ id: row.id, slug: row.slug, displayName: row.display_name, createdAt: row.created_at.toISOString() },
    role: roles.get(row.id) ?? 'viewer',
  }))
}

export async function createProject(
  identity: Identity,
  caller: Caller,
  organisation: string,
  { slug, displayName = slug }: CreateProjectRequest,
): Promise<Project> {
  const { organisationId } = requireOrganisation(caller, organisation, 'projects:write')
  return await identity.database.transaction(async (trx) => {
    const row = await trx
      .insertInto('projects')
      .values({ id: newId('prj'), organisation_id: organisationId, slug, display_name: displayName })
      .onConflict((conflict) => conflict.columns(['organisation_id', 'slug']).doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) throw new TrainyardError('conflict', `There is a project "${organisation}/${slug}" already`)
    await identity.audit(trx, {
      ...{ actor: caller.subject, action: 'project.create', subject: row.id, organisationId, projectId: row.id },
      data: { slug },
    })
    return { id: row.id, name: `${organisation}/${slug}`, displayName, createdAt: row.created_at.toISOString() }
  })
}

/** Those that the caller can see, of one organisation or of all. */
export async function listProjects({ database }: Identity, caller: Caller, organisation?: string): Promise<Project[]> {
  if (organisation !== undefined) requireOrganisation(caller, organisation, 'organisation:read')
  const names = new Map(
    caller.projects
      .filter((project) => organisation === undefined || project.organisation === organisation)
      .map(({ id, name }) => [id, name]),
  )
  if (names.size === 0) return []
  const rows = await database.db
    .selectFrom('projects')
    .selectAll()
    .where('id', 'in', [...names.keys()])
    .execute()
  return rows
    .map((row) => ({
      ...{ id: row.id, name: names.get(row.id) ?? row.slug, displayName: row.display_name },
      createdAt: row.created_at.toISOString(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
