import type { Kysely } from 'kysely'
import type { Caller, CallerCredentials, CallerMembership, CallerProject } from './caller.ts'
import { higherRole } from './roles.ts'
import type { AccountRow, IdentityDatabase } from './tables.ts'

export interface LoadCallerOptions {
  account: AccountRow
  credentials: CallerCredentials
  tokenId?: string
  scopes?: readonly string[]
  limit?: { organisationId?: string; projectId?: string }
  /** Roles that an issuer vouches for, besides those that are kept here. */
  claimed?: readonly CallerMembership[]
}

/** What an account may see now, cut to the bounds of its token. One query for roles and one for projects. */
export async function loadCaller(db: Kysely<IdentityDatabase>, options: LoadCallerOptions): Promise<Caller> {
  const { account, credentials, tokenId, scopes, limit = {}, claimed = [] } = options
  const rows = await db
    .selectFrom('memberships')
    .innerJoin('organisations', 'organisations.id', 'memberships.organisation_id')
    .select(['organisation_id as organisationId', 'organisations.slug as organisation', 'role'])
    .where('account_id', '=', account.id)
    .orderBy('memberships.created_at')
    .orderBy('organisations.id')
    .execute()
  const memberships = merge(rows, claimed).filter(
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
    scopes,
    limit,
    memberships,
    projects: await loadProjects(db, memberships, limit.projectId),
  }
}

function merge(kept: readonly CallerMembership[], claimed: readonly CallerMembership[]): CallerMembership[] {
  const byId = new Map<string, CallerMembership>()
  for (const one of [...kept, ...claimed]) {
    const known = byId.get(one.organisationId)
    byId.set(one.organisationId, known === undefined ? one : { ...known, role: higherRole(known.role, one.role) })
  }
  return [...byId.values()]
}

async function loadProjects(
  db: Kysely<IdentityDatabase>,
  memberships: readonly CallerMembership[],
  only: string | undefined,
): Promise<CallerProject[]> {
  if (memberships.length === 0) return []
  let query = db
    .selectFrom('projects')
    .select(['id', 'slug', 'organisation_id'])
    .where(
      'organisation_id',
      'in',
      memberships.map(({ organisationId }) => organisationId),
    )
    .orderBy('created_at')
    .orderBy('id')
  if (only !== undefined) query = query.where('id', '=', only)
  const rows = await query.execute()
  return memberships.flatMap((membership) =>
    rows
      .filter((row) => row.organisation_id === membership.organisationId)
      .map((row) => ({ ...membership, id: row.id, name: `${membership.organisation}/${row.slug}` })),
  )
}
