import type { SessionInfo } from '@trainyard/contract'
import { type Kysely, sql, type Transaction } from 'kysely'
import { notFound, TrainyardError } from '../../errors.ts'
import { notifyAccessChange } from '../access-changes/access-changes.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requirePerson } from '../permissions/require-person.ts'

/** The caller's sessions, newest first. */
export async function listSessions({ database }: IdentityStore, caller: Caller): Promise<SessionInfo[]> {
  const { id } = requirePerson(caller)
  const rows = await activeSessions(database.db, id).orderBy('created_at', 'desc').orderBy('id').execute()
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.created_at.toISOString(),
    expiresAt: (row.expires_at ?? row.created_at).toISOString(),
    lastUsedAt: row.last_used_at?.toISOString(),
    current: row.id === caller.tokenId,
  }))
}

/** Ends one of the caller's sessions, for example on a lost device. */
export async function endSession(identity: IdentityStore, caller: Caller, sessionId: string): Promise<void> {
  const { id } = requirePerson(caller)
  await identity.database.transaction(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('tokens')
      .set({ revoked_at: sql<Date>`now()` })
      .where('id', '=', sessionId)
      .where('account_id', '=', id)
      .where('kind', '=', 'session')
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) throw notFound('session', sessionId)
    await writeAudit(identity, trx, { ...actorOf(caller), action: 'session.end', subject: sessionId })
    await notifyAccessChange(identity, trx)
  })
}

/** Ends the session that the request was sent with. */
export async function endCurrentSession(identity: IdentityStore, caller: Caller): Promise<void> {
  const { credentials, tokenId } = caller
  if (credentials !== 'session' || tokenId === undefined)
    throw new TrainyardError('forbidden', 'This is not a session; revoke a token with DELETE /v1/tokens/{id}')
  await endSession(identity, caller, tokenId)
}

/** Ends all sessions of an account except `keep`, and returns how many it ended. */
export async function endSessions(
  identity: IdentityStore,
  trx: Transaction<IdentityDatabase>,
  { accountId, keep }: { accountId: string; keep?: string | undefined },
): Promise<number> {
  let query = trx
    .updateTable('tokens')
    .set({ revoked_at: sql<Date>`now()` })
    .where('account_id', '=', accountId)
    .where('kind', '=', 'session')
    .where('revoked_at', 'is', null)
  if (keep !== undefined) query = query.where('id', '!=', keep)
  const { numUpdatedRows } = await query.executeTakeFirstOrThrow()
  await notifyAccessChange(identity, trx)
  return Number(numUpdatedRows)
}

function activeSessions(db: Kysely<IdentityDatabase>, accountId: string) {
  return db
    .selectFrom('tokens')
    .select(['id', 'created_at', 'expires_at', 'last_used_at'])
    .where('account_id', '=', accountId)
    .where('kind', '=', 'session')
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
}
