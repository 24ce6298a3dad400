import { type Kysely, sql } from 'kysely'
import type { AccountRow } from '../db/schema/accounts.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { Caller, CallerCredentials, CallerLimit, CallerMembership, CallerProject } from '../permissions/caller.ts'
import { higherRole } from '../permissions/roles.ts'

/** What a caller needs of its account. */
export type CallerAccount = Pick<AccountRow, 'id' | 'email' | 'display_name' | 'operator'>

export interface LoadCallerOptions {
  account: CallerAccount
  credentials: CallerCredentials
  tokenId?: string | undefined
  expiresAt?: Date | undefined
  scopes?: readonly string[] | undefined
  limit?: CallerLimit | undefined
  /** Memberships that an external issuer asserts, in addition to the stored ones. */
  claimed?: readonly CallerMembership[] | undefined
  /** The stored memberships, where they were read before. Default: they are read. */
  stored?: readonly StoredMembership[] | undefined
}

interface StoredProject {
  id: string
  slug: string
}

/** A membership with the projects of its organisation. */
export interface StoredMembership extends CallerMembership {
  projects: readonly StoredProject[]
}

/** SQL: the projects of the organisation of a row of `memberships`, as JSON. */
export const projectsOfMembership = sql<StoredProject[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'slug', p.slug) order by p.created_at, p.id), '[]')
  from projects p where p.organisation_id = memberships.organisation_id)`

/** What an account can do now, within the limit of its token. */
export async function loadCaller(db: Kysely<IdentityDatabase>, options: LoadCallerOptions): Promise<Caller> {
  const { account, credentials, tokenId, expiresAt, scopes, limit = {}, claimed = [] } = options
  const stored = options.stored ?? (await loadMemberships(db, account.id))
  const known = stored.map(({ projects: _, ...membership }) => membership)
  const memberships = merge(known, claimed).filter(
    ({ organisationId }) => limit.organisationId === undefined || limit.organisationId === organisationId,
  )
  return {
    subject: account.id,
    account: {
      id: account.id,
      email: account.email ?? undefined,
      displayName: account.display_name,
      operator: account.operator,
    },
    credentials,
    tokenId,
    expiresAt,
    scopes,
    limit,
    memberships,
    projects: projectsOf(memberships, [...stored, ...(await loadProjects(db, claimed))], limit.projectId),
  }
}

async function loadMemberships(db: Kysely<IdentityDatabase>, accountId: string): Promise<StoredMembership[]> {
  return await db
    .selectFrom('memberships')
    .innerJoin('organisations', 'organisations.id', 'memberships.organisation_id')
    .select([
      'memberships.organisation_id as organisationId',
      'organisations.slug as organisation',
      'role',
      projectsOfMembership.as('projects'),
    ])
    .where('account_id', '=', accountId)
    .orderBy('memberships.created_at')
    .orderBy('organisations.id')
    .execute()
}

/** Where both name an organisation, the higher role counts. */
function merge(stored: readonly CallerMembership[], claimed: readonly CallerMembership[]): CallerMembership[] {
  const byId = new Map<string, CallerMembership>()
  for (const membership of [...stored, ...claimed]) {
    const known = byId.get(membership.organisationId)
    const role = known === undefined ? membership.role : higherRole(known.role, membership.role)
    byId.set(membership.organisationId, { ...(known ?? membership), role })
  }
  return [...byId.values()]
}

interface ProjectsOfOrganisation {
  organisationId: string
  projects: readonly StoredProject[]
}

/** The projects of organisations whose memberships are not stored. */
async function loadProjects(
  db: Kysely<IdentityDatabase>,
  memberships: readonly CallerMembership[],
): Promise<ProjectsOfOrganisation[]> {
  if (memberships.length === 0) return []
  const organisationIds = memberships.map(({ organisationId }) => organisationId)
  const rows = await db
    .selectFrom('projects')
    .select(['id', 'slug', 'organisation_id'])
    .where('organisation_id', 'in', organisationIds)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return organisationIds.map((organisationId) => ({
    organisationId,
    projects: rows.filter((row) => row.organisation_id === organisationId),
  }))
}

function projectsOf(
  memberships: readonly CallerMembership[],
  organisations: readonly ProjectsOfOrganisation[],
  onlyProjectId: string | undefined,
): CallerProject[] {
  return memberships.flatMap((membership) => {
    const { projects = [] } =
      organisations.find(({ organisationId }) => organisationId === membership.organisationId) ?? {}
    return projects
      .filter(({ id }) => onlyProjectId === undefined || id === onlyProjectId)
      .map(({ id, slug }) => ({ ...membership, id, name: `${membership.organisation}/${slug}` }))
  })
}
