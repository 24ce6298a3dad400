import type { ChangePasswordRequest } from '@trainyard/contract'
import { TrainyardError } from '../errors.ts'
import type { Caller } from './caller.ts'
import type { Identity } from './open-identity.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { endSessions, requirePerson } from './sessions.ts'
import { takeTry } from './take-try.ts'

/**
 * Sets another password, and ends all sessions but the one that asks.
 *
 * @throws TrainyardError `unprocessable` when the current password is wrong or there is none, `rate_limited`
 */
export async function changePassword(
  identity: Identity,
  caller: Caller,
  { currentPassword, newPassword }: ChangePasswordRequest,
): Promise<void> {
  const { id } = requirePerson(caller)
  const { db } = identity.database
  // A session that was left open must not be a way to guess the password.
  await takeTry(db, { key: `password:${id}`, max: 10, windowSeconds: 15 * 60 })
  const { password_hash: before } = await db
    .selectFrom('accounts')
    .select('password_hash')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (before === null)
    throw new TrainyardError('unprocessable', 'This account has no password: it is signed in by other means')
  if (!(await verifyPassword(currentPassword, before))) throw wrong()
  const passwordHash = await hashPassword(newPassword)
  await identity.database.transaction(async (trx) => {
    const changed = await trx
      .updateTable('accounts')
      .set({ password_hash: passwordHash })
      .where('id', '=', id)
      // It may have been changed or reset since it was compared.
      .where('password_hash', '=', before)
      .returning('id')
      .executeTakeFirst()
    if (changed === undefined) throw wrong()
    // A reset that somebody asked for before has no purpose any more.
    await trx.deleteFrom('password_resets').where('account_id', '=', id).execute()
    const ended = await endSessions(trx, id, caller.tokenId)
    await identity.audit(trx, {
      ...{ actor: id, action: 'password.change', subject: id, data: { sessionsEnded: ended } },
    })
  })
}

function wrong(): TrainyardError {
  const detail = 'is not the password of this account'
  return new TrainyardError('unprocessable', `currentPassword ${detail}`, {
    issues: [{ path: 'currentPassword', detail }],
  })
}
