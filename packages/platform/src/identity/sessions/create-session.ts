import type { CreateSessionRequest, Session } from '@trainyard/contract'
import { sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { toAccount } from '../accounts/account-view.ts'
import { verifyPassword } from '../accounts/password-hash.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { clearAttempts, countAttempt } from '../rate-limits/count-attempt.ts'
import { insertToken } from '../tokens/create-token.ts'

const WINDOW_SECONDS = 15 * 60
/** Attempts from one address at one account; from one address at all accounts; from all addresses at one account. */
const LIMITS = { pair: 10, address: 100, account: 50 }

export interface CreateSessionOptions {
  sessionDays: number
  /** The client's address. */
  address: string
}

/**
 * Signs in with a password. A wrong password and an unknown email give the same answer in the same time.
 *
 * @throws TrainyardError `unauthenticated`, `rate_limited`
 */
export async function createSession(
  identity: IdentityStore,
  { email, password }: CreateSessionRequest,
  { sessionDays, address }: CreateSessionOptions,
): Promise<Session> {
  const { db } = identity.database
  const name = email.trim().toLowerCase()
  const pair = `login:${address}:${name}`
  await countAttempt(db, { key: pair, max: LIMITS.pair, windowSeconds: WINDOW_SECONDS })
  await countAttempt(db, { key: `login:${address}`, max: LIMITS.address, windowSeconds: WINDOW_SECONDS })
  await countAttempt(db, { key: `login:${name}`, max: LIMITS.account, windowSeconds: WINDOW_SECONDS })

  const account = await db.selectFrom('accounts').selectAll().where(sql`lower(email)`, '=', name).executeTakeFirst()
  const isCorrect = await verifyPassword(password, account?.password_hash ?? undefined)
  if (!isCorrect || account === undefined || account.disabled_at !== null)
    throw new TrainyardError('unauthenticated', 'The email or the password is wrong')

  const expiresAt = new Date(Date.now() + sessionDays * 86_400_000)
  const { secret } = await identity.database.transaction(async (trx) => {
    const session = await insertToken(trx, 'session', {
      owner: account.id,
      accountId: account.id,
      name: 'session',
      scopes: [],
      expiresAt,
    })
    await writeAudit(identity, trx, {
      actor: account.id,
      action: 'session.create',
      subject: session.id,
      data: { address },
    })
    await trx
      .deleteFrom('tokens')
      .where('kind', '=', 'session')
      .where('expires_at', '<', sql<Date>`now() - interval '30 days'`)
      .execute()
    return session
  })
  await clearAttempts(db, pair)
  return { secret, expiresAt: expiresAt.toISOString(), account: toAccount(account) }
}
