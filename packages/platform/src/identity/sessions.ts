import type { SessionInfo } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import { notFound, TrainyardError } from '../errors.ts'
import type { Caller, CallerAccount } from './caller.ts'
import type { Identity } from './open-identity.ts'
import { revokeToken } from './revoke-token.ts'
import type { IdentityDatabase } from './tables.ts'

/** The logins of whoever asks, newest first. */
export async function listSessions({ database }: Identity, caller: Caller): Promise<SessionInfo[]> {
  const { id } = requirePerson(caller)
  const rows = await openSessions(database.db, id).orderBy('created_at', 'desc').orderBy('id').execute()
  return rows.map((row) => ({
    ...{ id: row.id, createdAt: row.created_at.toISOString(), current: row.id === caller.tokenId },
    expiresAt: (row.expires_at ?? row.created_at).toISOString(),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at.toISOString() }),
  }))
}

/** Ends one login of whoever asks: on a machine that is lost, say. */
export async function endSession(identity: Identity, caller: Caller, sessionId: string): Promise<void> {
  const { id } = requirePerson(caller)
  const found = await openSessions(identity.database.db, id).where('id', '=', sessionId).executeTakeFirst()
  if (found === undefined) throw notFound('session', sessionId)
  await revokeToken(identity, sessionId, caller.subject)
}

/** Ends every login of an account, but for the one that is kept. Resolves with how many. */
export async function endSessions(
  trx: Transaction<IdentityDatabase>,
  accountId: string,
  keep?: string,
): Promise<number> {
  let query = trx
    .updateTable('tokens')
    .set({ revoked_at: sql<Date>`now()` })
    .where('account_id', '=', accountId)
    .where('kind', '=', 'session')
    .where('revoked_at', 'is', null)
  if (keep !== undefined) query = query.where('id', '!=', keep)
  return Number((await query.executeTakeFirstOrThrow()).numUpdatedRows)
}

function openSessions(db: Identity['database']['db'], accountId: string) {
  return db
    .selectFrom('tokens')
    .select(['id', 'created_at', 'expires_at', 'last_used_at'])
    .where('account_id', '=', accountId)
    .where('kind', '=', 'session')
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
}

/** Tokens are for work: what makes an account is for the person alone. */
export function requirePerson({ account, scopes }: Caller): CallerAccount {
  if (account !== undefined && scopes === undefined) return account
  throw new TrainyardError('forbidden', 'This is for people: sign in')
}
