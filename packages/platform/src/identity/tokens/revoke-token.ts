import { type Kysely, type Selectable, sql } from 'kysely'
import { z } from 'zod'
import { notFound } from '../../errors.ts'
import { notifyAccessChange } from '../access-changes/access-changes.ts'
import type { AnyExecutor } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { TokensTable } from '../db/schema/tokens.ts'
import type { AuditActor, CallerLimit } from '../permissions/caller.ts'
import { auditToken } from './audit-token.ts'

const Scopes = z.array(z.string())

export interface RevokeTokenOptions {
  owner: string
  /** Default: the owner, by a command of the operator. */
  by?: AuditActor | undefined
  /** The limit of the token that asks: it reaches only tokens within it. Default: none. */
  limit?: CallerLimit | undefined
}

/**
 * Revokes a token at once, and with it every token that descends from it. Writes the audit row. Sessions are no tokens.
 *
 * @throws TrainyardError `not_found`, also for a token of another owner and for a session
 */
export async function revokeToken(
  identity: IdentityStore,
  id: string,
  { owner, by = { actor: owner }, limit = {} }: RevokeTokenOptions,
): Promise<void> {
  await identity.database.transaction(async (trx) => {
    let query = trx
      .updateTable('tokens')
      .set({ revoked_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('kind', '=', 'api')
      .where('owner', '=', owner)
      .where('revoked_at', 'is', null)
    if (limit.organisationId !== undefined) query = query.where('organisation_id', '=', limit.organisationId)
    if (limit.projectId !== undefined) query = query.where('project_id', '=', limit.projectId)
    const row = await query.returning(REVOKED).executeTakeFirst()
    if (row === undefined) throw notFound('token', id)
    await auditRevoked(identity, trx, row, by)
    await notifyAccessChange(identity, trx)
  })
}

/**
 * Revokes every token of an owner in a transaction that may be one of another schema: what the owner is ends with its tokens,
 * or neither does.
 */
export async function revokeTokensOf(
  identity: IdentityStore,
  executor: AnyExecutor,
  { owner, by = { actor: owner } }: RevokeTokenOptions,
): Promise<void> {
  const trx: Kysely<IdentityDatabase> = executor.withSchema(identity.schema)
  const rows = await trx
    .updateTable('tokens')
    .set({ revoked_at: sql<Date>`now()` })
    .where('kind', '=', 'api')
    .where('owner', '=', owner)
    .where('revoked_at', 'is', null)
    .returning(REVOKED)
    .execute()
  for (const row of rows) await auditRevoked(identity, trx, row, by)
  if (rows.length > 0) await notifyAccessChange(identity, trx)
}

const REVOKED = ['id', 'name', 'scopes', 'account_id', 'organisation_id', 'project_id'] as const
type RevokedToken = Pick<Selectable<TokensTable>, (typeof REVOKED)[number]>

async function auditRevoked(
  identity: IdentityStore,
  trx: Kysely<IdentityDatabase>,
  row: RevokedToken,
  by: AuditActor,
): Promise<void> {
  const token = {
    id: row.id,
    name: row.name,
    scopes: Scopes.parse(row.scopes),
    accountId: row.account_id ?? undefined,
    organisationId: row.organisation_id ?? undefined,
    projectId: row.project_id ?? undefined,
  }
  await auditToken(identity, trx, { actor: by, action: 'token.revoke', token })
}
