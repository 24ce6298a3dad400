import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { sql } from 'kysely'
import { z } from 'zod'
import { lockUntilEnd } from '../database/lock-until-end.ts'
import type { Database } from '../database/open-database.ts'
import { ConfigError } from '../errors.ts'

/** The key that signs tokens, and the keys that may have signed tokens that are still valid. */
export interface SigningKeys {
  algorithm: 'EdDSA' | 'HS256'
  /** In the header of each token, so that a verifier can select the key. */
  keyId: string
  sign: CryptoKey | Uint8Array
  verify: ReadonlyMap<string, CryptoKey | Uint8Array>
}

const StoredKey = z.object({ id: z.string(), private_jwk: z.looseObject({ kty: z.string() }) })

/**
 * The keys that sign tokens. With a `secret` (`JWT_SECRET`): HS256. Otherwise an Ed25519 pair in the table `signing_keys` of
 * the database's schema, which the first replica creates and all replicas share.
 *
 * @throws ConfigError when the secret is too short
 */
export async function loadSigningKeys<DB>(
  database: Pick<Database<DB>, 'db' | 'transaction' | 'schema'>,
  { secret }: { secret?: string | undefined } = {},
): Promise<SigningKeys> {
  if (secret !== undefined) return secretKeys(secret)
  const table = sql.id(database.schema, 'signing_keys')
  const rows = await database.transaction(async (trx) => {
    await lockUntilEnd(trx, `trainyard:signing-keys:${database.schema}`)
    await sql`create table if not exists ${table} (
      id text primary key, private_jwk jsonb not null, created_at timestamptz not null default now())`.execute(trx)
    const read = () => sql`select id, private_jwk from ${table} order by created_at desc, id`.execute(trx)
    const found = await read()
    if (found.rows.length > 0) return found.rows
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const jwk = await exportJWK(privateKey)
    await sql`insert into ${table} (id, private_jwk) values (${crypto.randomUUID()}, ${JSON.stringify(jwk)})`.execute(
      trx,
    )
    return (await read()).rows
  })
  const keys = z.array(StoredKey).min(1).parse(rows)
  const [newest] = keys
  if (newest === undefined) throw new Error('The signing keys were removed while they were read')
  const verify = new Map<string, CryptoKey | Uint8Array>()
  for (const { id, private_jwk } of keys) verify.set(id, await importJWK(publicHalf(private_jwk), 'EdDSA'))
  return { algorithm: 'EdDSA', keyId: newest.id, sign: await importJWK(newest.private_jwk as JWK, 'EdDSA'), verify }
}

/** HS256 with one shared secret, for one machine. @throws ConfigError when it is shorter than 32 characters */
export function secretKeys(secret: string): SigningKeys {
  if (secret.length < 32) {
    throw new ConfigError(`JWT_SECRET must have at least 32 characters; it has ${secret.length}`)
  }
  const key = new TextEncoder().encode(secret)
  return { algorithm: 'HS256', keyId: 'secret', sign: key, verify: new Map([['secret', key]]) }
}

function publicHalf({ d: _private, ...jwk }: Record<string, unknown>): JWK {
  return jwk as JWK
}
