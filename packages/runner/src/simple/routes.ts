import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { createApi } from '@trainyard/platform'
import {
  SimpleDoneRequest,
  SimpleEventRequest,
  SimpleHeartbeatRequest,
  SimpleHeartbeatResponse,
} from '@trainyard/sdk/contract'
import { claimsOf } from '../callback/routes.ts'
import type { RunnerContext } from '../context.ts'
import { JobParams, json, problem } from '../http/openapi.ts'
import { parseBody, readJsonBody } from '../http/read-body.ts'
import { reportSimply } from './report-simply.ts'
import { eventOfDone, eventOfMessage, eventsOfHeartbeat } from './translate.ts'

const describe = (
  path: string,
  summary: string,
  schema: typeof SimpleHeartbeatRequest | typeof SimpleEventRequest | typeof SimpleDoneRequest,
) =>
  createRoute({
    tags: ['Trainers'],
    security: [{ jobToken: [] }],
    method: 'post',
    path,
    summary,
    request: { params: JobParams, body: { required: true, content: { 'application/json': { schema } } } },
    responses: {
      200: json(SimpleHeartbeatResponse, 'Taken'),
      401: problem('The job token is missing, wrong or expired'),
      409: problem('The attempt is closed, or reports through the journal'),
    },
  })

/** CONTRACT section 7: for trainers written with curl-level tools. */
export function simpleRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  for (const route of [
    describe('/v1/jobs/{id}/heartbeat', 'Progress in one call', SimpleHeartbeatRequest),
    describe('/v1/jobs/{id}/event', 'A message', SimpleEventRequest),
    describe('/v1/jobs/{id}/done', 'The end', SimpleDoneRequest),
  ])
    api.openAPIRegistry.registerPath(route)

  api.post('/v1/jobs/:id/heartbeat', async (c) => {
    const claims = await claimsOf(context, c.req.raw, c.req.param('id'))
    const body = parseBody(SimpleHeartbeatRequest, await readJsonBody(c.req.raw))
    return c.json(await reportSimply(context, claims, () => eventsOfHeartbeat(body)))
  })
  api.post('/v1/jobs/:id/event', async (c) => {
    const claims = await claimsOf(context, c.req.raw, c.req.param('id'))
    const body = parseBody(SimpleEventRequest, await readJsonBody(c.req.raw))
    return c.json(await reportSimply(context, claims, () => [eventOfMessage(body)]))
  })
  api.post('/v1/jobs/:id/done', async (c) => {
    const claims = await claimsOf(context, c.req.raw, c.req.param('id'))
    const body = parseBody(SimpleDoneRequest, await readJsonBody(c.req.raw))
    return c.json(await reportSimply(context, claims, (job) => [eventOfDone(body, job)]))
  })
  return api
}
