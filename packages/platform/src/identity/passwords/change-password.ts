import type { ChangePasswordRequest } from '@trainyard/contract'
import { TrainyardError } from '../../errors.ts'
import { hashPassword, verifyPassword } from '../accounts/password-hash.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requirePerson } from '../permissions/require-person.ts'
import { countAttempt } from '../rate-limits/count-attempt.ts'
import { endSessions } from '../sessions/sessions.ts'
import { requireGoodPassword } from './require-good-password.ts'

/**
 * Changes the caller's password, and ends all other sessions of the account.
 *
 * @throws TrainyardError `unprocessable` when the current password is wrong or the account has no password,
 *   `invalid_request` when the new one is easy to guess, `rate_limited`
 */
export async function changePassword(
  identity: IdentityStore,
  caller: Caller,
  { currentPassword, newPassword }: ChangePasswordRequest,
): Promise<void> {
  const { id } = requirePerson(caller)
  const { db } = identity.database
  // An unattended session must not be a way to guess the password, nor keep the owner from changing it in another one.
  await countAttempt(db, { key: `password:${caller.tokenId ?? id}`, max: 10, windowSeconds: 15 * 60 })
  const { password_hash: currentHash, ...account } = await db
    .selectFrom('accounts')
    .select(['password_hash', 'email', 'display_name'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (currentHash === null)
    throw new TrainyardError('unprocessable', 'This account has no password: it does not sign in with one')
  if (!(await verifyPassword(currentPassword, currentHash))) throw wrongPassword()
  await requireGoodPassword(newPassword, { field: 'newPassword', account })
  const newHash = await hashPassword(newPassword)
  await identity.database.transaction(async (trx) => {
    const changed = await trx
      .updateTable('accounts')
      .set({ password_hash: newHash })
      .where('id', '=', id)
      // The password may have been changed or reset since it was verified.
      .where('password_hash', '=', currentHash)
      .returning('id')
      .executeTakeFirst()
    if (changed === undefined) throw wrongPassword()
    // A reset that is still pending would let its holder change the password again.
    await trx.deleteFrom('password_resets').where('account_id', '=', id).execute()
    const sessionsEnded = await endSessions(identity, trx, { accountId: id, keep: caller.tokenId })
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'password.change',
      subject: id,
      data: { sessionsEnded },
    })
  })
}

function wrongPassword(): TrainyardError {
  const detail = 'is not the password of this account'
  return new TrainyardError('unprocessable', `currentPassword ${detail}`, {
    issues: [{ path: 'currentPassword', detail }],
  })
}
