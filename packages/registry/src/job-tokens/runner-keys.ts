import { TrainyardError, verifyRunStatement } from '@trainyard/platform'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { IssuerKeys } from './issuer-keys.ts'

const TIMEOUT_MS = 5000

/** Faults of a statement, not of the keys. */
const OF_STATEMENTS = [
  errors.JWTClaimValidationFailed,
  errors.JWSSignatureVerificationFailed,
  errors.JWSInvalid,
  errors.JWTInvalid,
  errors.JOSEAlgNotAllowed,
]

/** The keys of the runners whose statements count: those at configured addresses, and that of the own process. */
export class RunnerKeys {
  readonly #sources: (() => Promise<JWTVerifyGetKey>)[]

  /** @param addresses of runners, which show their keys at `/.well-known/jwks.json` */
  constructor(addresses: readonly string[]) {
    this.#sources = addresses.map((address) => {
      const jwksUrl = new URL('/.well-known/jwks.json', address).href
      const keys = new IssuerKeys({ name: 'runner', kind: 'other', issuer: address, jwksUrl }, TIMEOUT_MS)
      return () => keys.get()
    })
  }

  add(keys: JSONWebKeySet): void {
    const set = createLocalJWKSet(keys)
    this.#sources.push(async () => set)
  }

  /**
   * The claims of a statement.
   *
   * @throws TrainyardError `unauthenticated` if no trusted runner signed it, `unavailable` while keys cannot be read
   */
  async verify(statement: string, now: Date): Promise<Record<string, unknown>> {
    let unread: unknown
    for (const source of this.#sources) {
      try {
        return await verifyRunStatement(statement, await source(), now)
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey) continue
        if (OF_STATEMENTS.some((kind) => error instanceof kind)) throw refused(error)
        unread = error
      }
    }
    if (unread === undefined) throw refused(undefined)
    throw new TrainyardError('unavailable', 'The keys of a runner cannot be read. Try again in a minute', {
      retryAfterSeconds: 60,
      cause: unread,
    })
  }
}

function refused(cause: unknown): TrainyardError {
  const detail = '"statement" is not the signed statement of a runner that this registry trusts (REGISTRY_RUNNERS)'
  return new TrainyardError('unauthenticated', detail, { cause })
}
