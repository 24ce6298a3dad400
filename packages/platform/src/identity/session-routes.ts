import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { SessionList } from '@trainyard/contract'
import { createApi } from '../http/create-api.ts'
import { common, json, problem, tags } from './route-parts.ts'
import type { IdentityRoutesOptions } from './routes.ts'
import { endSession, listSessions } from './sessions.ts'

const listRoute = createRoute({
  ...{ tags, method: 'get', path: '/v1/sessions', summary: 'Where you are signed in' },
  responses: { 200: json(SessionList, 'All of them'), ...common },
})
const endRoute = createRoute({
  ...{ tags, method: 'delete', path: '/v1/sessions/{id}', summary: 'End one of your sessions' },
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: {
    204: { description: 'It is of no use any more' },
    ...common,
    404: problem('You have no such session'),
  },
})

/** The logins of whoever asks. */
export function sessionRoutes(options: IdentityRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: options.logger })
  api.openapi(listRoute, async (c) => {
    const caller = await options.authenticator.authenticate(c.req.raw)
    return c.json({ sessions: await listSessions(options.identity, caller) }, 200)
  })
  api.openapi(endRoute, async (c) => {
    const caller = await options.authenticator.authenticate(c.req.raw)
    await endSession(options.identity, caller, c.req.valid('param').id)
    return c.body(null, 204)
  })
  return api
}
