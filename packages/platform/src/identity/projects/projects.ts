import type { CreateProjectRequest, Project } from '@trainyard/contract'
import { TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requireOrganisation } from '../permissions/require-organisation.ts'

/** @throws TrainyardError `not_found`, `forbidden`, `conflict` when the slug is taken */
export async function createProject(
  identity: IdentityStore,
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
    if (row === undefined) throw new TrainyardError('conflict', `The project "${organisation}/${slug}" already exists`)
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'project.create',
      subject: row.id,
      subjectName: `${organisation}/${slug}`,
      organisationId,
      projectId: row.id,
      data: { slug },
    })
    return { id: row.id, name: `${organisation}/${slug}`, displayName, createdAt: row.created_at.toISOString() }
  })
}

/** The projects of an organisation that the caller can see, ordered by name. */
export async function listProjects(
  { database }: IdentityStore,
  caller: Caller,
  organisation: string,
): Promise<Project[]> {
  requireOrganisation(caller, organisation, 'organisation:read')
  const visible = caller.projects.filter((project) => project.organisation === organisation)
  if (visible.length === 0) return []
  const names = new Map(visible.map(({ id, name }) => [id, name]))
  const rows = await database.db
    .selectFrom('projects')
    .selectAll()
    .where('id', 'in', [...names.keys()])
    .execute()
  return rows
    .map((row) => ({
      id: row.id,
      name: names.get(row.id) ?? row.slug,
      displayName: row.display_name,
      createdAt: row.created_at.toISOString(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
