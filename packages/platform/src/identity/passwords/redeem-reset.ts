import type { RedeemPasswordResetRequest } from '@trainyard/contract'
import { type Kysely, sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { hashPassword } from '../accounts/password-hash.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { clearAttempts, countAttempt } from '../rate-limits/count-attempt.ts'
import { guessLimits } from '../rate-limits/guess-limits.ts'
import { networkOf } from '../rate-limits/network-of.ts'
import { endSessions } from '../sessions/sessions.ts'
import { hashSecret, isWellFormedSecret } from '../tokens/secrets.ts'
import { requireGoodPassword } from './require-good-password.ts'

/**
 * Sets the password of the account that a reset was created for, and ends all its sessions. Its tokens stay valid, because
 * services use them; their owner can list and revoke them.
 *
 * @throws TrainyardError `unauthenticated` with one message for unknown, used, replaced and expired resets;
 *   `invalid_request` when the password is easy to guess; `rate_limited`
 */
export async function redeemReset(
  identity: IdentityStore,
  { secret, newPassword }: RedeemPasswordResetRequest,
  { address }: { address: string },
): Promise<void> {
  const { db } = identity.database
  // The secret cannot be guessed. The limit bounds the work that anonymous requests can cause.
  await countAttempt(db, { key: `reset:${networkOf(address)}`, max: 30, windowSeconds: 15 * 60 })
  const secretHash = hashSecret(secret)
  // Checked here to save the costly hash, and again in the transaction, where it counts.
  const pending = isWellFormedSecret(secret) ? await findPending(db, secretHash) : undefined
  if (pending === undefined) throw invalidReset()
  await requireGoodPassword(newPassword, { field: 'newPassword', account: pending })
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
    const sessionsEnded = await endSessions(identity, trx, { accountId: account.id })
    await writeAudit(identity, trx, {
      actor: account.id,
      address,
      action: 'password.reset',
      subject: account.id,
      data: { sessionsEnded },
    })
    return account.email?.toLowerCase()
  })
  // Before the reset, the person may have used up the attempts to sign in.
  if (email !== undefined) await clearAttempts(db, guessLimits({ purpose: 'login', address, name: email }).pair.key)
}

async function findPending(db: Kysely<IdentityDatabase>, secretHash: string) {
  return await db
    .selectFrom('password_resets')
    .innerJoin('accounts', 'accounts.id', 'account_id')
    .select(['email', 'display_name'])
    .where('secret_hash', '=', secretHash)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
}

function invalidReset(): TrainyardError {
  return new TrainyardError(
    'unauthenticated',
    'The reset link was used or replaced, or has expired: ask an operator for a new one',
  )
}
