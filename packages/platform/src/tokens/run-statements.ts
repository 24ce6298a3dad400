import type { RunStatement } from '@trainyard/contract'
import { errors, exportJWK, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import type { SigningKeys } from './signing-keys.ts'

/** Not that of any token, so that neither can be taken for the other. */
const AUDIENCE = 'trainyard:runs'
const TYPE = 'trainyard-run+jwt'
const SKEW_SECONDS = 300

/** Signs what a runner states about a run. It never expires. @param keys from `loadSigningKeys(database)`, without a secret */
export async function signRunStatement(keys: SigningKeys, { jti, sub, iat, ...claims }: RunStatement): Promise<string> {
  if (keys.algorithm !== 'EdDSA') throw new Error('a statement that others verify cannot be signed with a secret')
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: keys.algorithm, kid: keys.keyId, typ: TYPE })
    .setAudience(AUDIENCE)
    .setIssuedAt(iat)
    .setJti(jti)
  return await (sub === undefined ? token : token.setSubject(sub)).sign(keys.sign)
}

/** Verifies signature, type and purpose of a statement, and returns its claims. @throws errors of `jose` */
export async function verifyRunStatement(
  statement: string,
  keys: JWTVerifyGetKey,
  now: Date,
): Promise<Record<string, unknown>> {
  const { payload } = await jwtVerify(statement, keys, {
    audience: AUDIENCE,
    typ: TYPE,
    algorithms: ['EdDSA'],
    clockTolerance: SKEW_SECONDS,
    currentDate: now,
    requiredClaims: ['iat', 'jti'],
  })
  if ((payload.iat ?? 0) * 1000 > now.getTime() + SKEW_SECONDS * 1000)
    throw new errors.JWTClaimValidationFailed('"iat" is in the future', payload, 'iat', 'check_failed')
  return payload
}

/** The public halves of the keys, which verify what they sign. */
export async function publicKeysOf({ algorithm, verify }: SigningKeys): Promise<JSONWebKeySet> {
  if (algorithm !== 'EdDSA') throw new Error('a secret has no public half')
  const keys = [...verify].map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid, alg: algorithm, use: 'sig' }))
  return { keys: await Promise.all(keys) }
}
