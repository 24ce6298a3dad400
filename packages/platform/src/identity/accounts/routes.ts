import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { Me } from '@trainyard/contract'
import { authenticated, json, tags } from '../api/descriptions.ts'
import { callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { getMe } from './get-me.ts'

const meRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/me',
  summary: "Get the caller's account, roles and projects",
  responses: { 200: json(Me, 'The caller'), ...authenticated },
})

export function mountAccountRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(meRoute, async (c) => c.json(await getMe(options.identity, await callerOf(options, c)), 200))
}
