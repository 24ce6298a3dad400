import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApi } from '../http/create-api.ts'
import { mountAccountRoutes } from './accounts/routes.ts'
import type { IdentityRoutesOptions } from './api/options.ts'
import { mountAuditRoutes } from './audit/routes.ts'
import { mountOrganisationRoutes } from './organisations/routes.ts'
import { mountPasswordRoutes } from './passwords/routes.ts'
import { mountProjectRoutes } from './projects/routes.ts'
import { mountSessionRoutes } from './sessions/routes.ts'
import { mountTokenRoutes } from './tokens/routes.ts'

/** Accounts, sessions, passwords, organisations, projects, audit and tokens, to be mounted by a server. */
export function identityRoutes(options: IdentityRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: options.logger })
  mountAccountRoutes(api, options)
  mountPasswordRoutes(api, options)
  mountSessionRoutes(api, options)
  mountOrganisationRoutes(api, options)
  mountProjectRoutes(api, options)
  mountAuditRoutes(api, options)
  mountTokenRoutes(api, options)
  return api
}
