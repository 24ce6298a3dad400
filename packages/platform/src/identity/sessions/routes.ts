import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { CreateSessionRequest, Session, SessionList } from '@trainyard/contract'
import { authenticated, body, json, problem, tags } from '../api/descriptions.ts'
import { addressOf, callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { createSession } from './create-session.ts'
import { endCurrentSession, endSession, listSessions } from './sessions.ts'

const createSessionRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/sessions',
  summary: 'Sign in',
  request: body(CreateSessionRequest),
  responses: {
    201: json(Session, 'Session created'),
    401: problem('The email or the password is wrong'),
    429: problem('Too many attempts'),
  },
})

const listSessionsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/sessions',
  summary: "List the caller's sessions",
  responses: { 200: json(SessionList, 'The sessions'), ...authenticated },
})

const endCurrentSessionRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/sessions/current',
  summary: 'Sign out',
  responses: { 204: { description: 'Session ended' }, ...authenticated },
})

const endSessionRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/sessions/{id}',
  summary: "End one of the caller's sessions",
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: {
    204: { description: 'Session ended' },
    ...authenticated,
    404: problem('The caller has no such session'),
  },
})

export function mountSessionRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(createSessionRoute, async (c) => {
    const { sessionDays } = options.authenticator.config
    const session = await createSession(options.identity, c.req.valid('json'), {
      sessionDays,
      address: addressOf(options, c),
    })
    c.header('cache-control', 'no-store')
    return c.json(session, 201)
  })
  api.openapi(listSessionsRoute, async (c) =>
    c.json({ sessions: await listSessions(options.identity, await callerOf(options, c)) }, 200),
  )
  // Before the route with `{id}`, which would match "current" too.
  api.openapi(endCurrentSessionRoute, async (c) => {
    await endCurrentSession(options.identity, await callerOf(options, c))
    return c.body(null, 204)
  })
  api.openapi(endSessionRoute, async (c) => {
    await endSession(options.identity, await callerOf(options, c), c.req.valid('param').id)
    return c.body(null, 204)
  })
}
