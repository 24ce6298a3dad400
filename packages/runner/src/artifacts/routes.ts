import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  Artifact,
  ArtifactList,
  CheckpointInput,
  CompleteArtifactRequest,
  CreateArtifactRequest,
  CreateArtifactResponse,
  RetentionPlan,
} from '@trainyard/contract'
import { createApi, readJsonBody } from '@trainyard/platform'
import { authenticateTrainer } from '../auth/authenticate-trainer.ts'
import { callerOf } from '../auth/authorise.ts'
import { signingForAttempt, signingForCaller } from '../auth/signed-for.ts'
import type { RunnerContext } from '../context.ts'
import { cleanText } from '../http/clean-text.ts'
import {
  ArtifactParams,
  JobParams,
  json,
  limitUpTo,
  NumberCursor,
  noSuchJob,
  problem,
  trainerProblems,
  trainerRoute,
} from '../http/openapi.ts'
import { parseBody, SMALL_BODY } from '../http/read-body.ts'
import { completeArtifact } from './complete-artifact.ts'
import { createArtifact } from './create-artifact.ts'
import { deleteArtifact } from './delete-artifact.ts'
import { downloadArtifact } from './download-artifact.ts'
import { getCheckpointInput } from './get-checkpoint-input.ts'
import { listArtifacts } from './list-artifacts.ts'
import { getRetentionPlan } from './retention.ts'

const tags = ['Jobs']
/** Names up to 10,000 uploaded parts. */
const COMPLETION_BODY = { maxBodyBytes: 1024 ** 2, maxInflatedBytes: 4 * 1024 ** 2, maxValues: 50_000 }

const listRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/artifacts',
  summary: 'List the artifacts of a job, oldest first, with signed URLs',
  request: { params: JobParams, query: z.object({ cursor: NumberCursor, limit: limitUpTo(5000, 1000) }) },
  responses: { 200: json(ArtifactList, 'The artifacts'), ...noSuchJob },
})
const downloadRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/artifacts/{artifactId}/download',
  summary: 'Download an artifact of a job',
  request: { params: ArtifactParams },
  responses: { 302: { description: 'A redirect to a signed URL, valid for one hour' }, ...noSuchJob },
})
const deleteRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/jobs/{id}/artifacts/{artifactId}',
  summary: 'Delete an artifact of a job',
  request: { params: ArtifactParams },
  responses: { 204: { description: 'Deleted' }, ...noSuchJob, 409: problem('A job that has not ended starts from it') },
})
const retentionRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/retention',
  summary: 'List the artifacts that the rules of RETENTION will delete',
  description: 'Lists what the next round of cleaning up deletes. The request itself deletes nothing.',
  responses: { 200: json(RetentionPlan, 'The artifacts') },
})

/** Artifacts as people use them. */
export function artifactRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(listRoute, async (c) =>
    c.json(
      await listArtifacts(signingForCaller(context, callerOf(c)), c.req.valid('param').id, c.req.valid('query')),
      200,
    ),
  )
  api.openapi(downloadRoute, async (c) => {
    const { id, artifactId } = c.req.valid('param')
    const caller = callerOf(c)
    return c.redirect(await downloadArtifact(signingForCaller(context, caller), caller, id, artifactId), 302)
  })
  api.openapi(deleteRoute, async (c) => {
    const { id, artifactId } = c.req.valid('param')
    await deleteArtifact(context, callerOf(c), id, artifactId)
    return c.body(null, 204)
  })
  api.openapi(retentionRoute, async (c) => c.json(await getRetentionPlan(context, callerOf(c)), 200))
  return api
}

const createArtifactRoute = createRoute({
  ...trainerRoute,
  method: 'post',
  path: '/v1/jobs/{id}/artifacts',
  summary: 'Announce an artifact',
  description: 'The response holds signed requests with which to upload its bytes.',
  request: {
    params: JobParams,
    body: { required: true, content: { 'application/json': { schema: CreateArtifactRequest } } },
  },
  responses: { 200: json(CreateArtifactResponse, 'Announced'), ...trainerProblems },
})
const completeArtifactRoute = createRoute({
  ...trainerRoute,
  method: 'post',
  path: '/v1/jobs/{id}/artifacts/{artifactId}/complete',
  summary: 'Complete an artifact',
  description: 'Checks size and digest of the uploaded bytes. The artifact exists once this request has succeeded.',
  request: {
    params: ArtifactParams,
    body: { content: { 'application/json': { schema: CompleteArtifactRequest } } },
  },
  responses: {
    200: json(Artifact, 'The artifact'),
    ...trainerProblems,
    404: problem('The artifact does not exist'),
    422: problem('The uploaded bytes do not match the announced size or digest'),
  },
})
const checkpointRoute = createRoute({
  ...trainerRoute,
  method: 'get',
  path: '/v1/jobs/{id}/inputs/checkpoint',
  summary: 'Get the checkpoint to start from',
  description: 'To resume, to fine-tune, to predict with or to export.',
  request: { params: JobParams },
  responses: {
    200: json(CheckpointInput, 'The checkpoint'),
    ...trainerProblems,
    404: problem('The job has no checkpoint'),
  },
})

/** Artifacts under `CALLBACK_URL`: CONTRACT section 3. Each route needs the job token. */
export function trainerArtifactRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  // Only described to OpenAPI: the body may be compressed, and the token is verified before the body is read.
  api.openAPIRegistry.registerPath(createArtifactRoute)
  api.post('/v1/jobs/:id/artifacts', async (c) => {
    const claims = await authenticateTrainer(context, c.req.raw, c.req.param('id'))
    const body = parseBody(CreateArtifactRequest, await readJsonBody(c.req.raw, SMALL_BODY))
    return c.json(await createArtifact(signingForAttempt(context, claims), claims, cleanText(body)))
  })
  api.openAPIRegistry.registerPath(completeArtifactRoute)
  api.post('/v1/jobs/:id/artifacts/:artifactId/complete', async (c) => {
    const claims = await authenticateTrainer(context, c.req.raw, c.req.param('id'))
    const body = parseBody(CompleteArtifactRequest, (await readJsonBody(c.req.raw, COMPLETION_BODY)) ?? {})
    const { artifactId } = parseBody(ArtifactParams, c.req.param())
    return c.json(await completeArtifact(context, claims, artifactId, body))
  })
  api.openapi(checkpointRoute, async (c) => {
    const claims = await authenticateTrainer(context, c.req.raw, c.req.valid('param').id)
    return c.json(await getCheckpointInput(signingForAttempt(context, claims), claims), 200)
  })
  return api
}
