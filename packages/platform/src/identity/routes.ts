import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApi } from '../http/create-api.ts'
import { mountAccountRoutes } from './accounts/routes.ts'
import { callerOf, type IdentityRoutesOptions } from './api/options.ts'
import { mountAuditRoutes } from './audit/routes.ts'
import { mountLocalOwnerRoutes } from './local-owner/routes.ts'
import { mountOrganisationRoutes } from './organisations/routes.ts'
import { mountPasswordRoutes } from './passwords/routes.ts'
import { requireManageOwn } from './permissions/can.ts'
import { mountProjectRoutes } from './projects/routes.ts'
import { mountSessionRoutes } from './sessions/routes.ts'
import { mountSignUpRoutes } from './sign-up/routes.ts'
import { mountTokenRoutes } from './tokens/routes.ts'

/** Accounts, sessions, passwords, organisations, projects, audit and tokens, to be mounted by a server. */
export function identityRoutes(options: IdentityRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: options.logger })
  authenticateFirst(api, options)
  mountSignUpRoutes(api, options)
  mountAccountRoutes(api, options)
  mountPasswordRoutes(api, options)
  mountLocalOwnerRoutes(api, options)
  mountSessionRoutes(api, options)
  mountOrganisationRoutes(api, options)
  mountProjectRoutes(api, options)
  mountAuditRoutes(api, options)
  mountTokenRoutes(api, options)
  return api
}

/** Requests without credentials are accepted here: they are how a person gets them. */
const OPEN = [
  'GET /v1/accounts/sign-up',
  'POST /v1/accounts',
  'POST /v1/accounts/password-resets/redeem',
  'POST /v1/sessions',
  'POST /v1/sessions/codes/redeem',
]
const PATHS = ['/v1/accounts/*', '/v1/sessions/*', '/v1/me/*', '/v1/organisations/*', '/v1/tokens/*'] as const

/** Authenticates before a body is read: a caller without valid credentials gets 401 whatever the body is. */
function authenticateFirst(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  for (const path of PATHS) {
    api.use(path, async (c, next) => {
      const route = `${c.req.method} ${c.req.path}`
      if (OPEN.includes(route)) options.authenticator.countRequest(c.req.raw)
      else await callerOf(options, c)
      // Signing up needs no credentials. Those that are sent must be valid, and no token acts beyond its scopes.
      const isSignUp = route === 'POST /v1/accounts' && c.req.header('authorization') !== undefined
      if (isSignUp) requireManageOwn(await callerOf(options, c), 'account')
      await next()
    })
  }
}
