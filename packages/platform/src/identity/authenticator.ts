import type { Logger } from '../log.ts'
import type { AuthConfig } from './auth-config.ts'
import { authenticateRequest } from './authenticate-request.ts'
import type { Caller } from './caller.ts'
import { createForeignCallers } from './foreign-callers.ts'
import type { RequestHead } from './local-request.ts'
import type { Identity } from './open-identity.ts'

export interface AuthenticatorOptions {
  identity: Identity
  config: AuthConfig
  /** The origin under which browsers see us; read anew for each request. */
  publicUrl: () => string
  logger: Logger
}

/** Says who sent a request. */
export interface Authenticator {
  readonly config: AuthConfig
  /** @throws TrainyardError `unauthenticated`, or `forbidden` for a request that a page of another site made */
  authenticate(request: RequestHead): Promise<Caller>
}

export function createAuthenticator({ identity, config, publicUrl, logger }: AuthenticatorOptions): Authenticator {
  const findForeignCaller = createForeignCallers(identity, config.trustedIssuers, logger)
  return {
    config,
    authenticate: (request) =>
      authenticateRequest({ identity, auth: config, publicUrl: publicUrl(), findForeignCaller }, request),
  }
}
