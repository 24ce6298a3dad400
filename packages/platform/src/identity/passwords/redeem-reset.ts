import type { RedeemPasswordResetRequest } from '@trainyard/contract'
import { type Kysely, sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { hashPassword } from '../accounts/password-hash.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { clearAttempts, countAttempt } from '../rate-limits/count-attempt.ts'
import { endSessions } from '../sessions/sessions.ts'
import { hashSecret, isWellFormedSecret } from '../tokens/secrets.ts'

/**
 * Sets the password of the account that a reset was created for, and ends all its sessions. Its tokens stay valid, because
 * services use them; their owner can list and revoke them.
 *
 * @throws TrainyardError `unauthenticated` with one message for unknown, used, replaced and expired resets; `rate_limited`
 */
export async function redeemReset(
  identity: IdentityStore,
  { secret, newPassword }: RedeemPasswordResetRequest,
  { address }: { address: string },
): Promise<void> {
  const { db } = identity.database
  // The secret cannot be guessed. The limit bounds the work that anonymous requests can cause.
  await countAttempt(db, { key: `reset:${address}`, max: 30, windowSeconds: 15 * 60 })
  const secretHash = hashSecret(secret)
  // Checked here to save the costly hash, and again in the transaction, where it counts.
  if (!isWellFormedSecret(secret) || !(await isPending(db, secretHash))) throw invalidReset()
  const passwordHash = await hashPassword(newPassword)
  const email = await identity.database.transaction(async (trx) => {
    const used = await trx
      .deleteFrom('password_resets')
      .where('secret_hash', '=', secretHash)
      .where('expires_at', '>', sql<Date>`now()`)
      .returning('account_id')
      .executeTakeFirst()
    if (used === undefined) throw invalidReset()
    const account = await trx
      .updateTable('accounts')
      .set({ password_hash: passwordHash })
      .where('id', '=', used.account_id)
      .where('disabled_at', 'is', null)
      .returning(['id', 'email'])
      .executeTakeFirst()
    if (account === undefined) throw invalidReset()
    const sessionsEnded = await endSessions(trx, account.id)
    await writeAudit(identity, trx, {
      actor: account.id,
      action: 'password.reset',
      subject: account.id,
      data: { address, sessionsEnded },
    })
    return account.email?.toLowerCase()
  })
  // Before the reset, the person may have used up the attempts to sign in.
  for (const key of [`login:${address}:${email}`, `login:${email}`]) await clearAttempts(db, key)
}

async function isPending(db: Kysely<IdentityDatabase>, secretHash: string): Promise<boolean> {
  const row = await db
    .selectFrom('password_resets')
    .select('account_id')
    .where('secret_hash', '=', secretHash)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return row !== undefined
}

function invalidReset(): TrainyardError {
  return new TrainyardError(
    'unauthenticated',
    'The reset link was used or replaced, or has expired: ask an operator for a new one',
  )
}
