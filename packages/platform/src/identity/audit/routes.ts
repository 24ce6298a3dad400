import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { AuditPage } from '@trainyard/contract'
import { inOrganisation, json, tags } from '../api/descriptions.ts'
import { callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { OrganisationParams } from '../api/params.ts'
import { readAuditPage } from './read-audit-page.ts'

const readRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/organisations/{organisation}/audit',
  summary: 'List the audit rows of an organisation, newest first',
  request: {
    params: OrganisationParams,
    query: z.object({
      cursor: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
  },
  responses: { 200: json(AuditPage, 'One page of audit rows'), ...inOrganisation },
})

export function mountAuditRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(readRoute, async (c) => {
    const caller = await callerOf(options, c)
    const { organisation } = c.req.valid('param')
    return c.json(await readAuditPage(options.identity, caller, organisation, c.req.valid('query')), 200)
  })
}
