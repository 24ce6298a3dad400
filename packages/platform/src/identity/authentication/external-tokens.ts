import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { TrainyardError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { TrustedIssuer } from '../config/trusted-issuers.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import { listClaim, textClaim } from './claims.ts'
import { ensureAccount, findMembership } from './external-accounts.ts'
import { loadCaller } from './load-caller.ts'

/** Asymmetric algorithms only: with HMAC, an issuer's public key could be used as the secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/**
 * Returns a function that finds the caller that an external issuer's JWT authenticates: undefined when no trusted issuer
 * signed it or it is not valid. It throws `unavailable` when the issuer's keys cannot be fetched.
 */
export function createExternalTokenVerifier(
  identity: IdentityStore,
  issuers: readonly TrustedIssuer[],
  logger: Logger,
): (jwt: string) => Promise<Caller | undefined> {
  const known = issuers.map((issuer) => ({ issuer, keys: createRemoteJWKSet(new URL(issuer.jwksUrl)) }))
  return async (jwt) => {
    const claimed = issuerOf(jwt)
    // One issuer can have several entries, each with its own audience and mapping.
    for (const { issuer, keys } of known.filter((entry) => entry.issuer.issuer === claimed)) {
      try {
        const { payload } = await jwtVerify(jwt, keys, {
          issuer: issuer.issuer,
          audience: issuer.audience,
          algorithms: ALGORITHMS,
          requiredClaims: ['exp'],
          clockTolerance: 5,
        })
        return await toCaller(identity, issuer, payload)
      } catch (error) {
        if (error instanceof TrainyardError) throw error
        if (isKeyFailure(error)) {
          logger.warn({ err: error, issuer: issuer.issuer }, 'could not fetch the keys of an issuer')
          throw new TrainyardError('unavailable', 'The keys of the token’s issuer cannot be fetched', { cause: error })
        }
      }
    }
    return undefined
  }
}

function issuerOf(jwt: string): string | undefined {
  try {
    return decodeJwt(jwt).iss
  } catch {
    return undefined
  }
}

/** An invalid token causes a JOSE error. Any other error means that the issuer's keys could not be fetched. */
function isKeyFailure(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  return !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC'
}

async function toCaller(
  identity: IdentityStore,
  issuer: TrustedIssuer,
  payload: JWTPayload,
): Promise<Caller | undefined> {
  const { claims } = issuer
  const subject = textClaim(payload, claims.account)
  if (subject === undefined) return undefined
  const displayName = textClaim(payload, claims.displayName) ?? subject
  const account = await ensureAccount(identity, { issuer: issuer.issuer, subject, displayName })
  if (account.disabled_at !== null) return undefined
  const membership = await findMembership(identity, issuer, payload)
  return await loadCaller(identity.database.db, {
    account,
    credentials: 'issuer',
    expiresAt: payload.exp === undefined ? undefined : new Date(payload.exp * 1000),
    scopes: claims.scopes === undefined ? undefined : listClaim(payload, claims.scopes),
    claimed: membership === undefined ? [] : [membership],
  })
}
