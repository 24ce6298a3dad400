import type { CreateSessionRequest, Session } from '@trainyard/contract'
import { sql } from 'kysely'
import { TrainyardError } from '../errors.ts'
import { toAccount } from './account-view.ts'
import { insertToken } from './create-token.ts'
import type { Identity } from './open-identity.ts'
import { verifyPassword } from './passwords.ts'
import { forgetTries, takeTry } from './take-try.ts'

const WINDOW_SECONDS = 15 * 60
/** Of one address at one account; of one address at all; at one account from anywhere. */
const LIMITS = { pair: 10, address: 100, account: 50 }

export interface CreateSessionOptions {
  sessionDays: number
  /** The client's address. */
  address: string
}

/**
 * Logs somebody in. A wrong password and an unknown email have one answer, which takes the same time.
 *
 * @throws TrainyardError `unauthenticated`, `rate_limited`
 */
export async function createSession(
  identity: Identity,
  { email, password }: CreateSessionRequest,
  { sessionDays, address }: CreateSessionOptions,
): Promise<Session> {
  const { db } = identity.database
  const name = email.trim().toLowerCase()
  const pair = `login:${address}:${name}`
  await takeTry(db, { key: pair, max: LIMITS.pair, windowSeconds: WINDOW_SECONDS })
  await takeTry(db, { key: `login:${address}`, max: LIMITS.address, windowSeconds: WINDOW_SECONDS })
  await takeTry(db, { key: `login:${name}`, max: LIMITS.account, windowSeconds: WINDOW_SECONDS })

  const account = await db.selectFrom('accounts').selectAll().where(sql`lower(email)`, '=', name).executeTakeFirst()
  const isRight = await verifyPassword(password, account?.password_hash ?? undefined)
  if (!isRight || account === undefined || account.disabled_at !== null)
    throw new TrainyardError('unauthenticated', 'The email or the password is wrong')

  const expiresAt = new Date(Date.now() + sessionDays * 86_400_000)
  const { secret } = await identity.database.transaction(async (trx) => {
    const session = await insertToken(trx, {
      ...{ kind: 'session', owner: account.id, accountId: account.id, name: 'session', scopes: [], expiresAt },
    })
    await identity.audit(trx, { actor: account.id, action: 'session.create', subject: session.id, data: { address } })
    await trx
      .deleteFrom('tokens')
      .where('kind', '=', 'session')
      .where('expires_at', '<', sql<Date>`now() - interval '30 days'`)
      .execute()
    return session
  })
  await forgetTries(db, pair)
  return { secret, expiresAt: expiresAt.toISOString(), account: toAccount(account) }
}
