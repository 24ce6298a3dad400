import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { TrainyardError } from '../errors.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import type { SigningKeys } from './signing-keys.ts'

const ISSUER = 'trainyard'
/** The clocks of trainers and platform can differ by this much. */
const SKEW_SECONDS = 60

export interface SignOptions {
  audience: string
  subject: string
  claims: Record<string, unknown>
  expiresInSeconds: number
  clock?: Clock
}

export interface SignedToken {
  value: string
  expiresAt: Date
}

export async function signToken(keys: SigningKeys, options: SignOptions): Promise<SignedToken> {
  const { audience, subject, claims, expiresInSeconds, clock = systemClock } = options
  const issuedAt = Math.floor(clock.now().getTime() / 1000)
  const expires = issuedAt + expiresInSeconds
  const value = await new SignJWT(claims)
    .setProtectedHeader({ alg: keys.algorithm, kid: keys.keyId, typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expires)
    .setJti(randomUUID())
    .sign(keys.sign)
  return { value, expiresAt: new Date(expires * 1000) }
}

export interface VerifyOptions {
  keys: SigningKeys
  audience: string
  clock?: Clock | undefined
  /** Also accepts a token whose only fault is that it has expired. Default: false. */
  acceptExpired?: boolean | undefined
}

/**
 * Verifies signature, issuer, audience and expiry.
 *
 * @throws TrainyardError `unauthenticated` or `token_expired`
 */
export async function verifyToken(
  token: string,
  { keys, audience, clock = systemClock, acceptExpired = false }: VerifyOptions,
): Promise<Record<string, unknown>> {
  try {
    const { payload } = await jwtVerify(
      token,
      (header) => {
        const key = keys.verify.get(header.kid ?? keys.keyId)
        if (key === undefined) throw new errors.JWSSignatureVerificationFailed()
        return key
      },
      {
        issuer: ISSUER,
        audience,
        // Only the algorithm of our keys, so that a public key cannot be used as a shared secret.
        algorithms: [keys.algorithm],
        clockTolerance: SKEW_SECONDS,
        currentDate: clock.now(),
        requiredClaims: ['exp', 'iat', 'sub', 'jti'],
      },
    )
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      // The expiry is checked last: signature, issuer and audience are right.
      if (acceptExpired) return error.payload
      throw new TrainyardError('token_expired', 'The token has expired; use the one from a later response', {
        cause: error,
      })
    }
    throw new TrainyardError('unauthenticated', `The token is not valid for "${audience}"`, { cause: error })
  }
}
