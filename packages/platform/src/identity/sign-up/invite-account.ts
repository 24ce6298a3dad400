import type { InviteAccountRequest, PasswordReset } from '@trainyard/contract'
import { TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { insertReset } from '../passwords/create-reset.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requireOperator } from '../permissions/require-operator.ts'

/**
 * Creates an account on behalf of an operator, with a secret by which its owner chooses a password: the platform sends no
 * mail, and no one else learns the password.
 *
 * @throws TrainyardError `forbidden`, `conflict` when the email has an account
 */
export async function inviteAccount(
  identity: IdentityStore,
  caller: Caller,
  { email, displayName = email.replace(/@.*$/, '') }: InviteAccountRequest,
): Promise<PasswordReset> {
  requireOperator(caller)
  return await identity.database.transaction(async (trx) => {
    const account = await trx
      .insertInto('accounts')
      .values({
        id: newId('acc'),
        email,
        display_name: displayName,
        password_hash: null,
        operator: false,
        disabled_at: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (account === undefined) throw new TrainyardError('conflict', 'An account with this email already exists')
    await writeAudit(identity, trx, {
      ...actorOf(caller),
      action: 'account.create',
      subject: account.id,
      subjectName: account.display_name,
      data: { operator: false },
    })
    return await insertReset(identity, trx, { by: actorOf(caller), account })
  })
}
