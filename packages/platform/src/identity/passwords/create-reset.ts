import type { PasswordReset } from '@trainyard/contract'
import { sql } from 'kysely'
import { notFound, TrainyardError } from '../../errors.ts'
import { toAccount } from '../accounts/account-view.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import { hashSecret, newSecret } from '../tokens/secrets.ts'

const LIFETIME_HOURS = 24

/**
 * Creates a password reset on behalf of an operator, who passes it on: the platform sends no mail.
 *
 * @throws TrainyardError `forbidden`, `not_found`
 */
export async function createResetAsOperator(
  identity: IdentityStore,
  caller: Caller,
  email: string,
): Promise<PasswordReset> {
  if (caller.account?.operator !== true || caller.scopes !== undefined)
    throw new TrainyardError('forbidden', 'Only an operator who is signed in can reset passwords')
  return await createReset(identity, { actor: caller.subject, email })
}

/**
 * Creates a secret with which its holder can set the password of one account, once, within a day. It replaces an earlier
 * reset of the account. The current password is valid until the reset is used.
 *
 * @throws TrainyardError `not_found`, also for a disabled account
 */
export async function createReset(
  identity: IdentityStore,
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
    const reset = {
      secret_hash: hashSecret(secret),
      created_at: sql<Date>`now()`,
      expires_at: sql<Date>`now() + make_interval(hours => ${LIFETIME_HOURS})`,
    }
    const { expires_at: expiresAt } = await trx
      .insertInto('password_resets')
      .values({ account_id: account.id, ...reset })
      .onConflict((conflict) => conflict.column('account_id').doUpdateSet(reset))
      .returning('expires_at')
      .executeTakeFirstOrThrow()
    await writeAudit(identity, trx, { actor, action: 'password.reset.create', subject: account.id })
    return { secret, expiresAt: expiresAt.toISOString(), account: toAccount(account) }
  })
}
