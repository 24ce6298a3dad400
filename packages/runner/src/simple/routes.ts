import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { SimpleHeartbeatResponse } from '@trainyard/contract'
import { createApi, notFound } from '@trainyard/platform'
import { authenticateTrainer } from '../auth/authenticate-trainer.ts'
import type { CallbackContext } from '../callback/callback-context.ts'
import { JobParams, json, problem } from '../http/openapi.ts'
import { readReportBody } from '../http/read-body.ts'
import { ENDPOINTS, SHORT_ENDPOINTS, type SimpleEndpoint } from './endpoints.ts'
import { createLeftOutWarnings } from './left-out-warnings.ts'
import { reportSimply } from './report-simply.ts'

const describe = ({ path, summary, schema }: SimpleEndpoint) =>
  createRoute({
    tags: ['Trainers'],
    security: [{ jobToken: [] }],
    method: 'post',
    path,
    summary,
    request: { params: JobParams, body: { required: true, content: { 'application/json': { schema } } } },
    responses: {
      200: json(SimpleHeartbeatResponse, 'Stored'),
      400: problem('The request is not valid; `issues` lists every field'),
      401: problem('The job token is missing, invalid or expired'),
      403: problem('The token was issued for another job'),
      409: problem('The attempt is closed, or reports through the journal'),
      429: problem('Too many calls of this job; retry after `Retry-After` seconds'),
    },
  })

/** A path of `/api/v1` as senders append it to `CALLBACK_URL`, with and without `/api/v1`. */
function belowCallbackUrl(path: string): string[] {
  const below = path.replace(/^\/api\/v1/, '').replace('{id}', ':job')
  return [`/v1/jobs/:id/api/v1${below}`, `/v1/jobs/:id${below}`]
}

/** CONTRACT section 7: for trainers that call the API with tools such as curl. The body must be JSON, with any content type. */
export function simpleRoutes(context: CallbackContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  const warnings = createLeftOutWarnings()
  const add = (one: SimpleEndpoint, path: string) =>
    api.post(path, async (c) => {
      const id = c.req.param('id') ?? ''
      const claims = await authenticateTrainer(context, c.req.raw, id)
      const job = c.req.param('job')
      if (job !== undefined && job !== id) throw notFound('job', `${job} at the address of job ${id}`)
      context.intake.admit(claims.jobId)
      const body = (await readReportBody(c.req.raw)) ?? {}
      return c.json(await reportSimply(context, claims, { endpoint: one, body, warnings }))
    })
  for (const one of [...ENDPOINTS, ...SHORT_ENDPOINTS]) {
    api.openAPIRegistry.registerPath(describe(one))
    add(one, one.path.replace('{id}', ':id'))
  }
  for (const one of ENDPOINTS) for (const path of belowCallbackUrl(one.path)) add(one, path)
  return api
}
