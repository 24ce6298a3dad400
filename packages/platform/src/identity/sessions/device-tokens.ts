import { createHash, randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { AccountRow } from '../db/schema/accounts.ts'

const AUDIENCE = 'trainyard:device'
/** The longest life that browsers give a cookie. */
const LIFETIME_DAYS = 400
const DAY_SECONDS = 24 * 3600

type Signer = Pick<AccountRow, 'id' | 'password_hash'>

/**
 * A token by which a device that knew the password is recognised at the next sign-in, so that the attempts of others do not
 * keep its owner out. It authenticates no request. Its key is the hash of the password, which never leaves the database: a
 * new password ends it, and all replicas can verify it.
 */
export async function issueDeviceToken(account: Signer): Promise<{ secret: string; expiresAt: string }> {
  const expiresAt = new Date((Math.floor(Date.now() / 1000) + LIFETIME_DAYS * DAY_SECONDS) * 1000)
  const secret = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(account.id)
    .setAudience(AUDIENCE)
    .setJti(randomUUID())
    .setExpirationTime(expiresAt)
    .sign(keyOf(account))
  return { secret, expiresAt: expiresAt.toISOString() }
}

/** The id of the device; undefined when the token is not of this account and its current password. */
export async function findDevice(token: string | undefined, account: Signer | undefined): Promise<string | undefined> {
  if (token === undefined || account === undefined || account.password_hash === null) return undefined
  try {
    const options = { audience: AUDIENCE, subject: account.id, algorithms: ['HS256'], requiredClaims: ['exp', 'jti'] }
    return (await jwtVerify(token, keyOf(account), options)).payload.jti
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

function keyOf({ password_hash }: Signer): Uint8Array {
  return createHash('sha256').update(`${AUDIENCE}:${password_hash}`).digest()
}
