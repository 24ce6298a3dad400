import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  type Operation,
  SimpleDoneRequest,
  SimpleEventRequest,
  SimpleExportCompletionRequest,
  SimpleHeartbeatRequest,
  SimpleHeartbeatResponse,
  SimpleInferenceCompletionRequest,
  SimpleStartedRequest,
  SimpleValidationRequest,
} from '@trainyard/contract'
import { createApi, readJsonBody, TrainyardError } from '@trainyard/platform'
import type { z } from 'zod'
import { authenticateTrainer } from '../auth/authenticate-trainer.ts'
import type { CallbackContext } from '../callback/callback-context.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { JobParams, json, problem } from '../http/openapi.ts'
import { parseBody, REPORT_BODY } from '../http/read-body.ts'
import { reportSimply } from './report-simply.ts'
import {
  eventOfDone,
  eventOfMessage,
  eventOfStarted,
  eventOfValidation,
  eventsOfExport,
  eventsOfHeartbeat,
  eventsOfInference,
  type UnnumberedEvent,
} from './translate.ts'

interface SimpleEndpoint {
  path: string
  summary: string
  schema: z.ZodType
  events(body: unknown, job: JobRow): UnnumberedEvent[]
}

/** `operation`: the only one whose jobs can use the endpoint. */
function endpoint<T>(
  path: string,
  summary: string,
  schema: z.ZodType<T>,
  events: (body: T, job: JobRow) => UnnumberedEvent[],
  operation?: Operation,
): SimpleEndpoint {
  return {
    path,
    summary,
    schema,
    events(body, job) {
      const parsed = parseBody(schema, body)
      if (operation === undefined || job.operation === operation) return events(parsed, job)
      throw new TrainyardError(
        'conflict',
        `The operation of job ${job.id} is "${job.operation}"; this endpoint expects "${operation}"`,
      )
    },
  }
}

const training = '/api/v1/training/jobs/{id}/callback'
const inference = '/api/v1/test_inference/inference/jobs/{id}/callback'
const exporting = '/api/v1/export/jobs/{id}/callback'

const ENDPOINTS: readonly SimpleEndpoint[] = [
  endpoint('/v1/jobs/{id}/heartbeat', 'Report progress', SimpleHeartbeatRequest, eventsOfHeartbeat),
  endpoint('/v1/jobs/{id}/event', 'Report a message', SimpleEventRequest, (body) => [eventOfMessage(body)]),
  endpoint('/v1/jobs/{id}/done', 'Report the end', SimpleDoneRequest, (body, job) => [eventOfDone(body, job)]),
  endpoint(`${training}/progress`, 'Report progress of a training', SimpleHeartbeatRequest, eventsOfHeartbeat),
  endpoint(`${training}/log`, 'Report a message of a training', SimpleEventRequest, (body) => [eventOfMessage(body)]),
  endpoint(
    `${training}/completion`,
    'Report the end of a training',
    SimpleDoneRequest,
    (body, job) => [eventOfDone(body, job)],
    'train',
  ),
  endpoint('/api/v1/validation/jobs/{id}/results', 'Report a validation', SimpleValidationRequest, (body, job) => [
    eventOfValidation(body, job.primary_metric),
  ]),
  endpoint(
    `${inference}/started`,
    'Report the start of a prediction',
    SimpleStartedRequest,
    (body) => [eventOfStarted(body)],
    'predict',
  ),
  endpoint(
    `${inference}/completion`,
    'Report the end and the results of a prediction',
    SimpleInferenceCompletionRequest,
    eventsOfInference,
    'predict',
  ),
  endpoint(
    `${exporting}/started`,
    'Report the start of an export',
    SimpleStartedRequest,
    (body) => [eventOfStarted(body)],
    'export',
  ),
  endpoint(
    `${exporting}/completion`,
    'Report the end of an export',
    SimpleExportCompletionRequest,
    eventsOfExport,
    'export',
  ),
]

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

/** CONTRACT section 7: for trainers that call the API with tools such as curl. The body must be JSON, with any content type. */
export function simpleRoutes(context: CallbackContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  for (const one of ENDPOINTS) {
    api.openAPIRegistry.registerPath(describe(one))
    api.post(one.path.replace('{id}', ':id'), async (c) => {
      const claims = await authenticateTrainer(context, c.req.raw, c.req.param('id') ?? '')
      context.intake.admit(claims.jobId)
      const body = (await readJsonBody(c.req.raw, REPORT_BODY)) ?? {}
      return c.json(await reportSimply(context, claims, (job) => one.events(body, job)))
    })
  }
  return api
}
