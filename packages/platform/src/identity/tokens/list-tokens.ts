import { sql } from 'kysely'
import { z } from 'zod'
import type { IdentityStore } from '../db/identity-store.ts'
import type { CallerCredentials, CallerLimit } from '../permissions/caller.ts'
import { hasValidAncestors } from './is-valid.ts'

/** A token as its owner can see it: without its secret. */
export interface IdentityToken {
  id: string
  owner: string
  name: string
  scopes: string[]
  /** Slug of the organisation that the token is limited to. */
  organisation: string | undefined
  /** `organisation/project` that the token is limited to. */
  project: string | undefined
  createdAt: Date
  expiresAt: Date | undefined
  lastUsedAt: Date | undefined
  /** How the caller that created it was authenticated. Undefined: an operator's command, or not known. */
  createdBy: { credentials: CallerCredentials; id: string | undefined; name: string | undefined } | undefined
}

const Scopes = z.array(z.string())

/** Tokens that have not ended by a revocation, or with a token that they descend from; newest first, without sessions. */
export async function listTokens(
  { database }: IdentityStore,
  owner: string,
  { organisationId, projectId }: CallerLimit = {},
): Promise<IdentityToken[]> {
  let query = database.db
    .selectFrom('tokens')
    .leftJoin('projects', 'projects.id', 'tokens.project_id')
    .leftJoin('organisations', (join) =>
      join.on((on) => on(sql`organisations.id`, '=', sql`coalesce(tokens.organisation_id, projects.organisation_id)`)),
    )
    .leftJoin('tokens as creators', 'creators.id', 'tokens.created_by_id')
    .selectAll('tokens')
    .select(['organisations.slug as organisation', 'projects.slug as project'])
    // A session has no name of its own.
    .select(sql<string | null>`case when creators.kind = 'api' then creators.name end`.as('creator'))
    .where('tokens.owner', '=', owner)
    .where('tokens.kind', '=', 'api')
    .where('tokens.revoked_at', 'is', null)
    .where(hasValidAncestors)
    .orderBy('tokens.created_at', 'desc')
    .orderBy('tokens.id', 'desc')
  if (organisationId !== undefined) query = query.where('tokens.organisation_id', '=', organisationId)
  if (projectId !== undefined) query = query.where('tokens.project_id', '=', projectId)
  const rows = await query.execute()
  return rows.map((row) => ({
    id: row.id,
    owner: row.owner,
    name: row.name,
    scopes: Scopes.parse(row.scopes),
    organisation: row.organisation ?? undefined,
    project: row.project === null || row.organisation === null ? undefined : `${row.organisation}/${row.project}`,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    createdBy:
      row.created_by === null
        ? undefined
        : { credentials: row.created_by, id: row.created_by_id ?? undefined, name: row.creator ?? undefined },
  }))
}
