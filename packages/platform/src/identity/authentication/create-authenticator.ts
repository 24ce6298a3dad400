import { TrainyardError } from '../../errors.ts'
import { clientAddress } from '../../http/client-address.ts'
import type { Logger } from '../../log.ts'
import type { Authenticator } from '../api/authenticator.ts'
import type { AuthConfig } from '../config/auth-config.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import { RequestLimiter } from '../rate-limits/request-limiter.ts'
import { DEFAULT_REQUEST_LIMITS } from '../rate-limits/request-limits.ts'
import { authenticateRequest } from './authenticate-request.ts'
import { createExternalTokenVerifier } from './external-tokens.ts'

export interface AuthenticatorOptions {
  identity: IdentityStore
  config: AuthConfig
  /** The origin under which browsers reach the server. Called for each request. */
  publicUrl: () => string
  logger: Logger
}

export function createAuthenticator({ identity, config, publicUrl, logger }: AuthenticatorOptions): Authenticator {
  const verifyExternalToken = createExternalTokenVerifier(identity, config.trustedIssuers, logger)
  const limits = config.requestLimits ?? DEFAULT_REQUEST_LIMITS
  const limiter = new RequestLimiter({ identity, limits, logger })
  const countRequest: Authenticator['countRequest'] = (request, subject) =>
    limiter.count(request, subject === undefined ? { address: clientAddress(request, config) } : { subject })
  return {
    config,
    publicUrl,
    countRequest,
    async authenticate(request) {
      const options = { identity, auth: config, publicUrl: publicUrl(), verifyExternalToken }
      const caller = await authenticateRequest(options, request).catch((error: unknown) => {
        const isRefused = error instanceof TrainyardError && error.code === 'unauthenticated'
        if (isRefused && request instanceof Request) countRequest(request)
        throw error
      })
      // The handshake of a socket is not a request. It changes nothing, so no audit row needs its address.
      if (!(request instanceof Request)) return caller
      countRequest(request, caller.subject)
      return { ...caller, address: clientAddress(request, config) }
    },
  }
}
