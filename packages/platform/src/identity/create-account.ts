import type { Account, CreateAccountRequest } from '@trainyard/contract'
import { sql } from 'kysely'
import { TrainyardError } from '../errors.ts'
import { newId } from '../system/ids.ts'
import { toAccount } from './account-view.ts'
import type { AuthConfig } from './auth-config.ts'
import type { Caller } from './caller.ts'
import { LOCAL_ACCOUNT_ID, LOCAL_ORGANISATION_ID } from './local.ts'
import type { Identity } from './open-identity.ts'
import { hashPassword } from './passwords.ts'
import { takeTry } from './take-try.ts'

export interface CreateAccountOptions {
  auth: AuthConfig
  /** Whoever asks, where they said so. */
  caller: Caller | undefined
  /** The client's address. */
  address: string
}

/**
 * Makes an account. The first one becomes the operator, and an owner of the organisation `local` with all that was made
 * before there were accounts. Later ones need `ALLOW_SIGNUP=true`, or an operator who makes them.
 */
export async function createAccount(
  identity: Identity,
  request: CreateAccountRequest,
  { auth, caller, address }: CreateAccountOptions,
): Promise<Account> {
  await takeTry(identity.database.db, { key: `signup:${address}`, max: 20, windowSeconds: 3600 })
  const isOperator = caller?.account?.operator === true && caller.scopes === undefined
  // Asked before the costly hash, and again in the transaction, where it counts.
  if (!auth.allowSignup && !isOperator && (await hasPeople(identity.database.db))) throw closed()
  const passwordHash = await hashPassword(request.password)
  const row = await identity.database.transaction(async (trx) => {
    // Two first people at the same time would both become the operator.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`${identity.schema}:sign-up`}, 0))`.execute(trx)
    const isFirst = !(await hasPeople(trx))
    if (!isFirst && !auth.allowSignup && !isOperator) throw closed()
    const account = await trx
      .insertInto('accounts')
      .values({
        ...{ id: newId('acc'), email: request.email, password_hash: passwordHash, operator: isFirst },
        ...{ display_name: request.displayName ?? request.email.replace(/@.*$/, ''), disabled_at: null },
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (account === undefined) throw new TrainyardError('conflict', 'There is an account with this email already')
    if (isFirst) {
      await trx
        .insertInto('memberships')
        .values({ organisation_id: LOCAL_ORGANISATION_ID, account_id: account.id, role: 'owner' })
        .execute()
    }
    await identity.audit(trx, {
      ...{ actor: caller?.subject ?? account.id, action: 'account.create', subject: account.id },
      ...(isFirst ? { organisationId: LOCAL_ORGANISATION_ID } : {}),
      data: { operator: isFirst },
    })
    return account
  })
  return toAccount(row)
}

async function hasPeople(db: Identity['database']['db']): Promise<boolean> {
  const found = await db.selectFrom('accounts').select('id').where('id', '!=', LOCAL_ACCOUNT_ID).limit(1).execute()
  return found.length > 0
}

function closed(): TrainyardError {
  return new TrainyardError('forbidden', 'Accounts are made by an operator here (ALLOW_SIGNUP is not "true")')
}
