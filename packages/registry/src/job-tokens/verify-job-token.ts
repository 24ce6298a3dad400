import { createHash } from 'node:crypto'
import type { PublishingJob } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { type CiIssuer, readJob } from './ci-issuers.ts'
import { IssuerKeys, unavailable } from './issuer-keys.ts'

/** Asymmetric algorithms only: with HMAC, an issuer's public key could be used as the secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

export interface VerifiedJob {
  issuer: CiIssuer
  job: PublishingJob
  /** Identifies the token, so that it is exchanged once. */
  tokenId: string
  expiresAt: Date
}

export interface VerifyJobOptions {
  audience: string
  now: Date
}

/** Verifies the tokens of the jobs of some issuers. */
export class JobTokenVerifier {
  readonly #issuers: readonly { issuer: CiIssuer; keys: IssuerKeys }[]

  /** @param timeoutMs limit of each request to an issuer */
  constructor(issuers: readonly CiIssuer[], timeoutMs = 5000) {
    this.#issuers = issuers.map((issuer) => ({ issuer, keys: new IssuerKeys(issuer, timeoutMs) }))
  }

  /** The number of keys that the issuer has now. @throws TrainyardError `unavailable` */
  async countKeys(issuer: CiIssuer): Promise<number> {
    const keys = await this.#issuers.find((entry) => entry.issuer.issuer === issuer.issuer)?.keys.get()
    if (keys === undefined) return 0
    if (!keys.fresh)
      await keys.reload().catch((cause: unknown) => {
        throw unavailable(issuer, cause)
      })
    return keys.jwks()?.keys.length ?? 0
  }

  /** @throws TrainyardError `unauthenticated` with the exact reason, or `unavailable` */
  async verify(token: string, { audience, now }: VerifyJobOptions): Promise<VerifiedJob> {
    const { issuer, keys } = this.#find(token)
    const remote = await keys.get()
    let payload: JWTPayload
    try {
      const options = { issuer: issuer.issuer, audience, algorithms: ALGORITHMS, requiredClaims: ['exp'] }
      payload = (await jwtVerify(token, remote, { ...options, clockTolerance: 5, currentDate: now })).payload
    } catch (error) {
      const reason = describeRefusal(error, { token, issuer, audience })
      if (reason === undefined) throw unavailable(issuer, error)
      throw new TrainyardError('unauthenticated', reason, { cause: error })
    }
    return {
      issuer,
      job: readJob(issuer, payload),
      // The signature is not part of it: some algorithms have several valid ones for the same token.
      tokenId:
        payload.jti ??
        createHash('sha256')
          .update(token.slice(0, token.lastIndexOf('.')))
          .digest('hex'),
      expiresAt: new Date((payload.exp ?? 0) * 1000),
    }
  }

  #find(token: string): { issuer: CiIssuer; keys: IssuerKeys } {
    let claimed: unknown
    try {
      claimed = decodeJwt(token).iss
    } catch {
      throw new TrainyardError(
        'unauthenticated',
        '"token" is not a JWT; send the OIDC token that the CI issued to the job',
      )
    }
    const found = this.#issuers.find(({ issuer }) => issuer.issuer === claimed)
    if (found !== undefined) return found
    const known = this.#issuers.map(({ issuer }) => `"${issuer.issuer}"`).join(', ') || 'none'
    throw new TrainyardError(
      'unauthenticated',
      `The token says issuer ${quote(claimed)}, which this registry does not accept; it accepts ${known}`,
    )
  }
}

const quote = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 200)

interface Refused {
  token: string
  issuer: CiIssuer
  audience: string
}

/** Undefined if the fault is not the token's. */
function describeRefusal(error: unknown, { token, issuer, audience }: Refused): string | undefined {
  const where = `${issuer.name} (${issuer.issuer})`
  if (error instanceof errors.JWTExpired) {
    const { exp } = decodeJwt(token)
    const at = typeof exp === 'number' && Math.abs(exp) < 8e12 ? new Date(exp * 1000).toISOString() : quote(exp)
    return `The token expired at ${at}; the job must ask for a new one`
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud')
      return `The token says audience ${quote(decodeJwt(token).aud)}, this registry expects "${audience}"; ask the CI for a token with that audience`
    if (error.claim === 'nbf')
      return 'The token is not valid yet ("nbf"): compare the clocks of the CI and the registry'
    return `The claim "${error.claim}" of the token is not valid: ${error.message}`
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `The token is signed with ${quote(decodeProtectedHeader(token).alg)}; expected one of ${ALGORITHMS.join(', ')}`
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return `The token is signed with the key ${quote(decodeProtectedHeader(token).kid)}, which is not one of ${where}`
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return `The signature of the token does not belong to the keys of ${where}`
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  )
    return `The token is not a valid JWT: ${error.message}`
  return undefined
}
