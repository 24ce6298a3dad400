import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  Artifact,
  CacheDatasetRequest,
  CachedDatasetState,
  CheckpointInput,
  CompleteArtifactRequest,
  CreateArtifactRequest,
  CreateArtifactResponse,
  DatasetFilesPage,
  DatasetManifest,
  EventsRequest,
  EventsResponse,
} from '@trainyard/contract'
import { createApi, TrainyardError } from '@trainyard/platform'
import { completeArtifact } from '../artifacts/complete-artifact.ts'
import { createArtifact } from '../artifacts/create-artifact.ts'
import { getCheckpointInput } from '../artifacts/get-checkpoint-input.ts'
import type { JobClaims, RunnerContext } from '../context.ts'
import { askForCache } from '../dataset-cache/ask-for-cache.ts'
import { getDatasetManifest, listDatasetFiles } from '../datasets/index.ts'
import { cleanText } from '../http/clean-text.ts'
import { Cursor, JobParams, json, problem } from '../http/openapi.ts'
import { parseBody, readCleanJsonBody, readJsonBody } from '../http/read-body.ts'
import { authenticate, getCurrentAttempt } from './authenticate.ts'
import { receiveEvents } from './receive-events.ts'

const SMALL_BODY = { maxBodyBytes: 256 * 1024, maxInflatedBytes: 256 * 1024 }
const ArtifactId = z.string().regex(/^[\w-]{1,64}$/, 'must be the id of an artifact')
const token = { tags: ['Trainers'], security: [{ jobToken: [] }] }
const common = {
  401: problem('The job token is missing, wrong or expired'),
  403: problem('The token is for another job'),
  409: problem('The attempt is closed or a newer one has taken over'),
}

const eventsRoute = createRoute({
  ...token,
  method: 'post',
  path: '/v1/jobs/{id}/events',
  summary: 'Append to the journal; an empty list is a heartbeat. The body may be gzip or zstd',
  request: { params: JobParams, body: { required: true, content: { 'application/json': { schema: EventsRequest } } } },
  responses: {
    200: json(EventsResponse, 'Acknowledged'),
    ...common,
    413: problem('Too large; `limits` says how large'),
    429: problem('Too many events of this job, or too much waits here: `Retry-After` says for how long to wait'),
  },
})
const datasetRoute = createRoute({
  ...token,
  method: 'get',
  path: '/v1/jobs/{id}/dataset',
  summary: 'The dataset to train on',
  request: { params: JobParams },
  responses: { 200: json(DatasetManifest, 'The dataset'), ...common, 404: problem('The job has none') },
})
const filesRoute = createRoute({
  ...token,
  method: 'get',
  path: '/v1/jobs/{id}/dataset/files',
  summary: 'Its files by pages, with signed URLs',
  request: {
    params: JobParams,
    query: z.object({
      cursor: Cursor,
      limit: z.coerce.number().int().min(1).max(5000).default(1000),
      splits: z.enum(['job', 'dataset']).default('job').describe('Whose splits: "dataset" leaves out those of the job'),
      all: z.stringbool().default(false).describe('Also images without a label'),
    }),
  },
  responses: { 200: json(DatasetFilesPage, 'One page'), ...common, 404: problem('The job has no dataset') },
})
const cacheRoute = createRoute({
  ...token,
  method: 'post',
  path: '/v1/jobs/{id}/dataset/cache',
  summary: 'Have the dataset put into the cache that the platform fills; ask again until it is there',
  request: {
    params: JobParams,
    body: { required: true, content: { 'application/json': { schema: CacheDatasetRequest } } },
  },
  responses: {
    200: json(CachedDatasetState, 'How far it is'),
    ...common,
    404: problem('The job has no dataset, or a cache of its own'),
  },
})
const createArtifactRoute = createRoute({
  ...token,
  method: 'post',
  path: '/v1/jobs/{id}/artifacts',
  summary: 'Announce a file; the answer says where to put its bytes',
  request: {
    params: JobParams,
    body: { required: true, content: { 'application/json': { schema: CreateArtifactRequest } } },
  },
  responses: { 200: json(CreateArtifactResponse, 'Announced'), ...common },
})
const completeArtifactRoute = createRoute({
  ...token,
  method: 'post',
  path: '/v1/jobs/{id}/artifacts/{artifactId}/complete',
  summary: 'Check size and digest of the uploaded bytes; then the artifact exists',
  request: {
    params: JobParams.extend({ artifactId: ArtifactId }),
    body: { content: { 'application/json': { schema: CompleteArtifactRequest } } },
  },
  responses: {
    200: json(Artifact, 'It exists'),
    ...common,
    404: problem('There is no such artifact'),
    422: problem('The bytes are not what was announced'),
  },
})
const checkpointRoute = createRoute({
  ...token,
  method: 'get',
  path: '/v1/jobs/{id}/inputs/checkpoint',
  summary: 'The checkpoint to resume from, predict with or export',
  request: { params: JobParams },
  responses: { 200: json(CheckpointInput, 'Where it is'), ...common, 404: problem('The job has none') },
})

/** The endpoints under `CALLBACK_URL`: CONTRACT sections 2 and 3. Every one needs the job token. */
export function callbackRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openAPIRegistry.registerComponent('securitySchemes', 'jobToken', { type: 'http', scheme: 'bearer' })

  // Bodies may be compressed, and the token is looked at before them: these are only described to OpenAPI.
  for (const route of [eventsRoute, cacheRoute, createArtifactRoute, completeArtifactRoute])
    api.openAPIRegistry.registerPath(route)
  api.post('/v1/jobs/:id/events', async (c) => {
    const claims = await claimsOf(context, c.req.raw, c.req.param('id'))
    // Before the body is read: whoever sends too much must cost little.
    context.intake.admit(claims.jobId)
    return c.json(await receiveEvents(context, claims, await readCleanJsonBody(c.req.raw)))
  })
  api.post('/v1/jobs/:id/dataset/cache', async (c) => {
    const claims = await claimsOf(context, c.req.raw, c.req.param('id'))
    const body = parseBody(CacheDatasetRequest, (await readJsonBody(c.req.raw, SMALL_BODY)) ?? {})
    return c.json(await askForCache(context, claims, body))
  })
  api.post('/v1/jobs/:id/artifacts', async (c) => {
    const claims = await claimsOf(context, c.req.raw, c.req.param('id'))
    const body = parseBody(CreateArtifactRequest, await readJsonBody(c.req.raw, SMALL_BODY))
    return c.json(await createArtifact(context, claims, cleanText(body)))
  })
  api.post('/v1/jobs/:id/artifacts/:artifactId/complete', async (c) => {
    const claims = await claimsOf(context, c.req.raw, c.req.param('id'))
    const limits = { maxBodyBytes: 1024 ** 2, maxInflatedBytes: 4 * 1024 ** 2 }
    const body = parseBody(CompleteArtifactRequest, (await readJsonBody(c.req.raw, limits)) ?? {})
    const artifactId = parseBody(ArtifactId, c.req.param('artifactId'))
    return c.json(await completeArtifact(context, claims, artifactId, body))
  })

  api.openapi(datasetRoute, async (c) => {
    const { snapshotId, splitId } = await snapshotOf(context, c.req.raw, c.req.valid('param').id)
    return c.json(await getDatasetManifest(context, snapshotId, splitId), 200)
  })
  api.openapi(filesRoute, async (c) => {
    const { snapshotId, splitId } = await snapshotOf(context, c.req.raw, c.req.valid('param').id)
    const { splits, ...query } = c.req.valid('query')
    const own = splits === 'job' ? { splitId } : {}
    return c.json(await listDatasetFiles(context, snapshotId, { ...query, ...own }), 200)
  })
  api.openapi(checkpointRoute, async (c) => {
    const claims = await authenticate(context, c.req.raw, c.req.valid('param').id)
    return c.json(await getCheckpointInput(context, claims), 200)
  })
  return api
}

export async function claimsOf(context: RunnerContext, request: Request, id: string): Promise<JobClaims> {
  return await authenticate(context, request, parseBody(JobParams, { id }).id)
}

async function snapshotOf(
  context: RunnerContext,
  request: Request,
  jobId: number,
): Promise<{ snapshotId: string; splitId: string | null }> {
  const claims = await authenticate(context, request, jobId)
  const { job } = await getCurrentAttempt(context, claims, { open: true })
  if (job.snapshot_id === null) throw new TrainyardError('not_found', `Job ${jobId} has no dataset`)
  return { snapshotId: job.snapshot_id, splitId: job.split_id }
}
