import { type Kysely, sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import { LOCAL_ACCOUNT_ID } from '../db/built-in-ids.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { hashSecret, newSecret } from '../tokens/secrets.ts'

/** Name of the file in the data folder of the server that created the secret. */
export const SETUP_SECRET_FILE = 'setup-secret'

/** Whether someone administers the installation, besides the local owner. Until then, the first account can be created. */
export async function hasOperator(db: Kysely<IdentityDatabase>): Promise<boolean> {
  const operators = db.selectFrom('accounts').select('id').where('operator', '=', true)
  return (await operators.where('id', '!=', LOCAL_ACCOUNT_ID).limit(1).execute()).length > 0
}

/** Stores the hash of a secret, unless there is one, and returns whether the stored one is the secret's. */
export async function proposeSetupSecret({ database }: IdentityStore, secret: string): Promise<boolean> {
  const { db } = database
  await db
    .insertInto('setup')
    .values({ id: true, secret_hash: hashSecret(secret) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const stored = await db.selectFrom('setup').select('secret_hash').executeTakeFirst()
  return stored?.secret_hash === hashSecret(secret)
}

/** Replaces the set-up secret, and returns the new one. */
export async function replaceSetupSecret({ database }: IdentityStore): Promise<string> {
  const secret = newSecret()
  const values = { secret_hash: hashSecret(secret), created_at: sql<Date>`now()` }
  await database.db
    .insertInto('setup')
    .values({ id: true, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
  return secret
}

/** @throws TrainyardError `forbidden` */
export async function requireSetupSecret(db: Kysely<IdentityDatabase>, secret: string | undefined): Promise<void> {
  const stored = await db.selectFrom('setup').select('secret_hash').executeTakeFirst()
  if (secret !== undefined && stored?.secret_hash === hashSecret(secret.trim())) return
  const what = secret === undefined || secret === '' ? 'is missing' : 'is not the set-up secret of this installation'
  const detail =
    `${what}; the first account needs the secret that the server printed at its start and keeps in the file ` +
    `"${SETUP_SECRET_FILE}" of its data folder`
  throw new TrainyardError('forbidden', `setupSecret ${detail}`, { issues: [{ path: 'setupSecret', detail }] })
}
