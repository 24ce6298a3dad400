import type { PasswordReset } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import { notFound } from '../../errors.ts'
import { toAccount } from '../accounts/account-view.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { AccountRow } from '../db/schema/accounts.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { type AuditActor, actorOf, type Caller } from '../permissions/caller.ts'
import { requireOperator } from '../permissions/require-operator.ts'
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
  requireOperator(caller)
  return await createReset(identity, { by: actorOf(caller), email })
}

/**
 * Creates a secret with which its holder can set the password of one account, once, within a day. It replaces an earlier
 * reset of the account. The current password is valid until the reset is used.
 *
 * @throws TrainyardError `not_found`, also for a disabled account
 */
export async function createReset(
  identity: IdentityStore,
  { by, email }: { by: AuditActor; email: string },
): Promise<PasswordReset> {
  return await identity.database.transaction(async (trx) => {
    const account = await trx
      .selectFrom('accounts')
      .selectAll()
      .where(sql`lower(email)`, '=', email.trim().toLowerCase())
      .where('disabled_at', 'is', null)
      .executeTakeFirst()
    if (account === undefined) throw notFound('account', email)
    return await insertReset(identity, trx, { by, account })
  })
}

export async function insertReset(
  identity: IdentityStore,
  trx: Transaction<IdentityDatabase>,
  { by, account }: { by: AuditActor; account: AccountRow },
): Promise<PasswordReset> {
  const secret = newSecret()
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
  await writeAudit(identity, trx, {
    ...by,
    action: 'password.reset.create',
    subject: account.id,
    subjectName: account.display_name,
  })
  return { secret, expiresAt: expiresAt.toISOString(), account: toAccount(account) }
}
