import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { DatasetFilesPage, DatasetManifest, EventsRequest, EventsResponse } from '@trainyard/contract'
import { createApi, type JobTokenClaims, TrainyardError } from '@trainyard/platform'
import { authenticateTrainer, getCurrentAttempt } from '../auth/authenticate-trainer.ts'
import { signingForAttempt } from '../auth/signed-for.ts'
import type { RunnerContext } from '../context.ts'
import { getDatasetManifest, listDatasetFiles } from '../datasets/index.ts'
import { Cursor, JobParams, json, problem, trainerProblems, trainerRoute } from '../http/openapi.ts'
import { EVENTS_BODY, readCleanJsonBody } from '../http/read-body.ts'
import type { CallbackContext } from './callback-context.ts'
import { receiveEvents } from './receive-events.ts'

const eventsRoute = createRoute({
  ...trainerRoute,
  method: 'post',
  path: '/v1/jobs/{id}/events',
  summary: 'Append events to the journal',
  description: 'An empty list is a heartbeat. The body may be compressed with gzip or zstd.',
  request: { params: JobParams, body: { required: true, content: { 'application/json': { schema: EventsRequest } } } },
  responses: {
    200: json(EventsResponse, 'Acknowledged'),
    ...trainerProblems,
    413: problem('The request is too large; `limits` holds the limits'),
    429: problem('Too many events of this job, or the server is overloaded; retry after `Retry-After` seconds'),
  },
})
const datasetRoute = createRoute({
  ...trainerRoute,
  method: 'get',
  path: '/v1/jobs/{id}/dataset',
  summary: 'Get the dataset to train on',
  request: { params: JobParams },
  responses: { 200: json(DatasetManifest, 'The dataset'), ...trainerProblems, 404: problem('The job has no dataset') },
})
const filesRoute = createRoute({
  ...trainerRoute,
  method: 'get',
  path: '/v1/jobs/{id}/dataset/files',
  summary: 'List the files of the dataset, with signed URLs',
  request: {
    params: JobParams,
    query: z.object({
      cursor: Cursor,
      limit: z.coerce.number().int().min(1).max(5000).default(1000),
      splits: z
        .enum(['job', 'dataset'])
        .default('job')
        .describe('Which splits to report: "dataset" ignores the split of the job'),
      all: z.stringbool().default(false).describe('Include images without a label'),
    }),
  },
  responses: {
    200: json(DatasetFilesPage, 'One page'),
    ...trainerProblems,
    404: problem('The job has no dataset'),
  },
})

/** The journal and the dataset under `CALLBACK_URL`: CONTRACT sections 2 and 3. Each route needs the job token. */
export function callbackRoutes(context: CallbackContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openAPIRegistry.registerComponent('securitySchemes', 'jobToken', { type: 'http', scheme: 'bearer' })

  // Only described to OpenAPI: the body may be compressed, and the token is verified before the body is read.
  api.openAPIRegistry.registerPath(eventsRoute)
  api.post('/v1/jobs/:id/events', async (c) => {
    const claims = await authenticateTrainer(context, c.req.raw, c.req.param('id'))
    // Before the body is read, so that refusing a trainer that sends too much costs little.
    context.intake.admit(claims.jobId)
    return c.json(await receiveEvents(context, claims, await readCleanJsonBody(c.req.raw, EVENTS_BODY)))
  })
  api.openapi(datasetRoute, async (c) => {
    const { claims, snapshotId, splitId } = await snapshotOf(context, c.req.raw, c.req.valid('param').id)
    return c.json(await getDatasetManifest(signingForAttempt(context, claims), snapshotId, splitId), 200)
  })
  api.openapi(filesRoute, async (c) => {
    const { claims, snapshotId, splitId } = await snapshotOf(context, c.req.raw, c.req.valid('param').id)
    const { splits, ...query } = c.req.valid('query')
    const options = { ...query, splitId: splits === 'job' ? splitId : undefined }
    return c.json(await listDatasetFiles(signingForAttempt(context, claims), snapshotId, options), 200)
  })
  return api
}

async function snapshotOf(
  context: RunnerContext,
  request: Request,
  jobId: number,
): Promise<{ claims: JobTokenClaims; snapshotId: string; splitId: string | null }> {
  const claims = await authenticateTrainer(context, request, jobId)
  const { job } = await getCurrentAttempt(context, claims, { open: true })
  if (job.snapshot_id === null) throw new TrainyardError('not_found', `Job ${jobId} has no dataset`)
  return { claims, snapshotId: job.snapshot_id, splitId: job.split_id }
}
