import { sql } from 'kysely'
import { z } from 'zod'
import type { IdentityStore } from '../db/identity-store.ts'

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
}

const Scopes = z.array(z.string())

/** Tokens that are not revoked, newest first, without sessions. */
export async function listTokens({ database }: IdentityStore, owner: string): Promise<IdentityToken[]> {
  const rows = await database.db
    .selectFrom('tokens')
    .leftJoin('projects', 'projects.id', 'tokens.project_id')
    .leftJoin('organisations', (join) =>
      join.on((on) => on(sql`organisations.id`, '=', sql`coalesce(tokens.organisation_id, projects.organisation_id)`)),
    )
    .selectAll('tokens')
    .select(['organisations.slug as organisation', 'projects.slug as project'])
    .where('owner', '=', owner)
    .where('kind', '=', 'api')
    .where('revoked_at', 'is', null)
    .orderBy('tokens.created_at', 'desc')
    .orderBy('tokens.id', 'desc')
    .execute()
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
  }))
}
