import type { Account, CreateAccountRequest } from '@trainyard/contract'
import { type Kysely, sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { AuthConfig } from '../config/auth-config.ts'
import { LOCAL_ACCOUNT_ID, LOCAL_ORGANISATION_ID } from '../db/built-in-ids.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { actorOf, type Caller } from '../permissions/caller.ts'
import { requireManageOwn } from '../permissions/can.ts'
import { countAttempt } from '../rate-limits/count-attempt.ts'
import { toAccount } from './account-view.ts'
import { hashPassword } from './password-hash.ts'

export interface CreateAccountOptions {
  auth: AuthConfig
  /** Undefined for a request without credentials. */
  caller: Caller | undefined
  /** The client's address. */
  address: string
}

/**
 * Creates an account. The first one becomes the operator, and an owner of the organisation `local` with everything that
 * was created before. Later accounts need `ALLOW_SIGNUP=true`, or an operator who creates them.
 *
 * @throws TrainyardError `forbidden`, `conflict` when the email has an account, `rate_limited`
 */
export async function createAccount(
  identity: IdentityStore,
  request: CreateAccountRequest,
  { auth, caller, address }: CreateAccountOptions,
): Promise<Account> {
  // Anyone may be able to sign up, but no token acts beyond its scopes.
  if (caller?.scopes !== undefined) requireManageOwn(caller, 'account')
  const { db } = identity.database
  await countAttempt(db, { key: `signup:${address}`, max: 20, windowSeconds: 3600 })
  const isOperator = caller?.account?.operator === true && caller.scopes === undefined
  // Checked here to save the costly hash, and again in the transaction, where it counts.
  if (!auth.allowSignup && !isOperator && (await hasAccounts(db))) throw signupClosed()
  const passwordHash = await hashPassword(request.password)
  return await identity.database.transaction(async (trx) => {
    // Without the lock, two first sign-ups at the same time would both become the operator.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`${identity.schema}:sign-up`}, 0))`.execute(trx)
    const isFirst = !(await hasAccounts(trx))
    if (!isFirst && !auth.allowSignup && !isOperator) throw signupClosed()
    const account = await trx
      .insertInto('accounts')
      .values({
        id: newId('acc'),
        email: request.email,
        display_name: request.displayName ?? request.email.replace(/@.*$/, ''),
        password_hash: passwordHash,
        operator: isFirst,
        disabled_at: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (account === undefined) throw new TrainyardError('conflict', 'An account with this email already exists')
    if (isFirst) {
      await trx
        .insertInto('memberships')
        .values({ organisation_id: LOCAL_ORGANISATION_ID, account_id: account.id, role: 'owner' })
        .execute()
    }
    await writeAudit(identity, trx, {
      ...(caller === undefined ? { actor: account.id, address } : actorOf(caller)),
      action: 'account.create',
      subject: account.id,
      subjectName: account.display_name,
      organisationId: isFirst ? LOCAL_ORGANISATION_ID : undefined,
      data: { operator: isFirst },
    })
    return toAccount(account)
  })
}

async function hasAccounts(db: Kysely<IdentityDatabase>): Promise<boolean> {
  const found = await db.selectFrom('accounts').select('id').where('id', '!=', LOCAL_ACCOUNT_ID).limit(1).execute()
  return found.length > 0
}

function signupClosed(): TrainyardError {
  return new TrainyardError('forbidden', 'Only an operator can create accounts here (ALLOW_SIGNUP is not "true")')
}
