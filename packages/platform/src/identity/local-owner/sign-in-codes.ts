import type { Session, SignInCode } from '@trainyard/contract'
import { sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { toAccount } from '../accounts/account-view.ts'
import { writeAudit } from '../audit/write-audit.ts'
import { LOCAL_ACCOUNT_ID } from '../db/built-in-ids.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import { countAttempt } from '../rate-limits/count-attempt.ts'
import { networkOf } from '../rate-limits/network-of.ts'
import { insertToken } from '../tokens/create-token.ts'
import { hashSecret, newSecret } from '../tokens/secrets.ts'

const LIFETIME_MINUTES = 10

/**
 * Creates a code that signs a browser in as the local owner, once, within ten minutes.
 *
 * @throws TrainyardError `forbidden`
 */
export async function createSignInCodeAs(identity: IdentityStore, caller: Caller): Promise<SignInCode> {
  if (caller.account?.id !== LOCAL_ACCOUNT_ID || caller.scopes !== undefined)
    throw new TrainyardError('forbidden', 'Only the local owner signs in with a link; others sign in with a password')
  return await createSignInCode(identity)
}

/** The same without a caller, for the process that starts the server. */
export async function createSignInCode({ database: { db } }: IdentityStore): Promise<SignInCode> {
  await db.deleteFrom('sign_in_codes').where('expires_at', '<', sql<Date>`now()`).execute()
  const secret = newSecret()
  const { expires_at: expiresAt } = await db
    .insertInto('sign_in_codes')
    .values({
      secret_hash: hashSecret(secret),
      account_id: LOCAL_ACCOUNT_ID,
      expires_at: sql<Date>`now() + make_interval(mins => ${LIFETIME_MINUTES})`,
    })
    .returning('expires_at')
    .executeTakeFirstOrThrow()
  return { secret, expiresAt: expiresAt.toISOString() }
}

/**
 * Signs in with a code.
 *
 * @throws TrainyardError `unauthenticated` with one message for unknown, used and expired codes; `rate_limited`
 */
export async function redeemSignInCode(
  identity: IdentityStore,
  secret: string,
  { sessionDays, address }: { sessionDays: number; address: string },
): Promise<Session> {
  const { db } = identity.database
  // The code cannot be guessed. The limit bounds the work that anonymous requests can cause.
  await countAttempt(db, { key: `code:${networkOf(address)}`, max: 60, windowSeconds: 15 * 60 })
  return await identity.database.transaction(async (trx) => {
    const used = await trx
      .deleteFrom('sign_in_codes')
      .where('secret_hash', '=', hashSecret(secret))
      .where('expires_at', '>', sql<Date>`now()`)
      .returning('account_id')
      .executeTakeFirst()
    if (used === undefined)
      throw new TrainyardError(
        'unauthenticated',
        'The link was used or has expired: "npm start -- --link" or "trainyard open" prints a new one',
      )
    const account = await trx
      .selectFrom('accounts')
      .selectAll()
      .where('id', '=', used.account_id)
      .executeTakeFirstOrThrow()
    const expiresAt = new Date(Date.now() + sessionDays * 86_400_000)
    const token = { owner: account.id, accountId: account.id, name: 'session', scopes: [], expiresAt }
    const session = await insertToken(trx, 'session', token)
    await writeAudit(identity, trx, { actor: account.id, address, action: 'session.create', subject: session.id })
    return { secret: session.secret, expiresAt: expiresAt.toISOString(), account: toAccount(account) }
  })
}
