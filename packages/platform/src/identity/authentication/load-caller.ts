import type { Kysely } from 'kysely'
import type { AccountRow } from '../db/schema/accounts.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { Caller, CallerCredentials, CallerLimit, CallerMembership, CallerProject } from '../permissions/caller.ts'
import { higherRole } from '../permissions/roles.ts'

export interface LoadCallerOptions {
  account: AccountRow
  credentials: CallerCredentials
  tokenId?: string | undefined
  expiresAt?: Date | undefined
  scopes?: readonly string[] | undefined
  limit?: CallerLimit | undefined
  /** Memberships that an external issuer asserts, in addition to the stored ones. */
  claimed?: readonly CallerMembership[] | undefined
}

/** What an account can do now, within the limit of its token. Runs one query for memberships and one for projects. */
export async function loadCaller(db: Kysely<IdentityDatabase>, options: LoadCallerOptions): Promise<Caller> {
  const { account, credentials, tokenId, expiresAt, scopes, limit = {}, claimed = [] } = options
  const stored = await db
    .selectFrom('memberships')
    .innerJoin('organisations', 'organisations.id', 'memberships.organisation_id')
    .select(['organisation_id as organisationId', 'organisations.slug as organisation', 'role'])
    .where('account_id', '=', account.id)
    .orderBy('memberships.created_at')
    .orderBy('organisations.id')
    .execute()
  const memberships = merge(stored, claimed).filter(
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
    projects: await loadProjects(db, memberships, limit.projectId),
  }
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

async function loadProjects(
  db: Kysely<IdentityDatabase>,
  memberships: readonly CallerMembership[],
  onlyProjectId: string | undefined,
): Promise<CallerProject[]> {
  if (memberships.length === 0) return []
  const organisationIds = memberships.map(({ organisationId }) => organisationId)
  let query = db
    .selectFrom('projects')
    .select(['id', 'slug', 'organisation_id'])
    .where('organisation_id', 'in', organisationIds)
    .orderBy('created_at')
    .orderBy('id')
  if (onlyProjectId !== undefined) query = query.where('id', '=', onlyProjectId)
  const rows = await query.execute()
  return memberships.flatMap((membership) =>
    rows
      .filter((row) => row.organisation_id === membership.organisationId)
      .map((row) => ({ ...membership, id: row.id, name: `${membership.organisation}/${row.slug}` })),
  )
}
