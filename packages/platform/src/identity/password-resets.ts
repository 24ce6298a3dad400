import type { PasswordReset } from '@trainyard/contract'
import { sql } from 'kysely'
import { notFound, TrainyardError } from '../errors.ts'
import { toAccount } from './account-view.ts'
import type { Caller } from './caller.ts'
import type { Identity } from './open-identity.ts'
import { hashPassword } from './passwords.ts'
import { hashSecret, isWellFormedSecret, newSecret } from './secrets.ts'
import { endSessions } from './sessions.ts'
import { forgetTries, takeTry } from './take-try.ts'

const LIFE_HOURS = 24

/** An operator makes a reset for somebody who is known to them: there is no mail in the house. */
export async function giveReset(identity: Identity, caller: Caller, email: string): Promise<PasswordReset> {
  if (caller.account?.operator !== true || caller.scopes !== undefined)
    throw new TrainyardError('forbidden', 'Passwords are reset by an operator who is signed in')
  return await createReset(identity, { actor: caller.subject, email })
}

/**
 * Makes a secret that lets its holder choose the password of one account, once, within a day. The one before is of no use
 * any more; the password stays until it is chosen anew.
 *
 * @throws TrainyardError `not_found`, also for an account that is disabled
 */
export async function createReset(
  identity: Identity,
  { actor, email }: { actor: string; email: string },
): Promise<PasswordReset> {
  const secret = newSecret()
  return await identity.database.transaction(async (trx) => {
    const account = await trx
      .selectFrom('accounts')
      .selectAll()
      .where(sql`lower(email)`, '=', email.trim().toLowerCase())
      .where('disabled_at', 'is', null)
      .executeTakeFirst()
    if (account === undefined) throw notFound('account', email)
    const row = {
      secret_hash: hashSecret(secret),
      created_at: sql<Date>`now()`,
      expires_at: sql<Date>`now() + make_interval(hours => ${LIFE_HOURS})`,
    }
    const { expires_at: expiresAt } = await trx
      .insertInto('password_resets')
      .values({ account_id: account.id, ...row })
      .onConflict((conflict) => conflict.column('account_id').doUpdateSet(row))
      .returning('expires_at')
      .executeTakeFirstOrThrow()
    await identity.audit(trx, { actor, action: 'password.reset.create', subject: account.id })
    return { secret, expiresAt: expiresAt.toISOString(), account: toAccount(account) }
  })
}

/**
 * Sets the password of the account that a reset was made for, and ends all its sessions. Tokens stay: services work with
 * them, and their owner sees and ends them.
 *
 * @throws TrainyardError `unauthenticated`: unknown, used, replaced or expired, all with one answer; `rate_limited`
 */
export async function redeemReset(
  identity: Identity,
  { secret, newPassword }: { secret: string; newPassword: string },
  { address }: { address: string },
): Promise<void> {
  const { db } = identity.database
  // There is nothing to guess in a secret; this bounds the work that strangers can cause.
  await takeTry(db, { key: `reset:${address}`, max: 30, windowSeconds: 15 * 60 })
  const secretHash = hashSecret(secret)
  const pending = isWellFormedSecret(secret)
    ? await db
        .selectFrom('password_resets')
        .select('account_id')
        .where('secret_hash', '=', secretHash)
        .where('expires_at', '>', sql<Date>`now()`)
        .executeTakeFirst()
    : undefined
  // Asked before the costly hash, and again in the transaction, where it counts.
  if (pending === undefined) throw useless()
  const passwordHash = await hashPassword(newPassword)
  const email = await identity.database.transaction(async (trx) => {
    const used = await trx
      .deleteFrom('password_resets')
      .where('secret_hash', '=', secretHash)
      .where('expires_at', '>', sql<Date>`now()`)
      .returning('account_id')
      .executeTakeFirst()
    if (used === undefined) throw useless()
    const account = await trx
      .updateTable('accounts')
      .set({ password_hash: passwordHash })
      .where('id', '=', used.account_id)
      .where('disabled_at', 'is', null)
      .returning(['id', 'email'])
      .executeTakeFirst()
    if (account === undefined) throw useless()
    const ended = await endSessions(trx, account.id)
    await identity.audit(trx, {
      ...{ actor: account.id, action: 'password.reset', subject: account.id },
      data: { address, sessionsEnded: ended },
    })
    return account.email?.toLowerCase()
  })
  // Whoever forgot a password has often tried too many.
  for (const key of [`login:${address}:${email}`, `login:${email}`]) await forgetTries(db, key)
}

function useless(): TrainyardError {
  return new TrainyardError(
    'unauthenticated',
    'The reset link was used, replaced or is too old: ask an operator for a new one',
  )
}
