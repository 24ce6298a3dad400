import type { CreateSessionRequest, Session } from '@trainyard/contract'
import { sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { toAccount } from '../accounts/account-view.ts'
import { verifyPassword } from '../accounts/password-hash.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { type AttemptLimit, clearAttempts, countAttempt, uncountAttempt } from '../rate-limits/count-attempt.ts'
import { guessLimits } from '../rate-limits/guess-limits.ts'
import { insertToken } from '../tokens/create-token.ts'
import { findDevice, issueDeviceToken } from './device-tokens.ts'

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
  { email, password, device: deviceToken }: CreateSessionRequest,
  { sessionDays, address }: CreateSessionOptions,
): Promise<Session> {
  const { db } = identity.database
  const name = email.trim().toLowerCase()
  const account = await db.selectFrom('accounts').selectAll().where(sql`lower(email)`, '=', name).executeTakeFirst()
  const device = await findDevice(deviceToken, account)
  const limits = limitsFor({ name, address, device })
  await countAttempt(db, limits.own)
  if (limits.shared !== undefined) await countAttempt(db, limits.shared)

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
      credentials: 'session',
      tokenId: session.id,
      address,
      action: 'session.create',
      subject: session.id,
    })
    await trx
      .deleteFrom('tokens')
      .where('kind', '=', 'session')
      .where('expires_at', '<', sql<Date>`now() - interval '30 days'`)
      .execute()
    return session
  })
  await clearAttempts(db, limits.own.key)
  if (limits.shared !== undefined) await uncountAttempt(db, limits.shared.key)
  return {
    secret,
    expiresAt: expiresAt.toISOString(),
    account: toAccount(account),
    device: await issueDeviceToken(account),
  }
}

/** A known device has a counter of its own, whatever others have tried at its address. */
function limitsFor({ name, address, device }: { name: string; address: string; device: string | undefined }): {
  own: AttemptLimit
  shared?: AttemptLimit
} {
  const { pair, network } = guessLimits({ purpose: 'login', address, name })
  return device === undefined ? { own: pair, shared: network } : { own: { ...pair, key: `login:device:${device}` } }
}
