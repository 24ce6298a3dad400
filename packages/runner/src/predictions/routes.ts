import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { PictureInputs, Prediction, PredictionList } from '@trainyard/contract'
import { createApi, readBody } from '@trainyard/platform'
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
  problem,
  queryText,
  trainerProblems,
  trainerRoute,
} from '../http/openapi.ts'
import { parseBody } from '../http/read-body.ts'
import { MAX_PICTURE_BYTES } from './check-picture.ts'
import { createPrediction } from './create-prediction.ts'
import { getPrediction } from './get-prediction.ts'
import { listPredictions } from './list-predictions.ts'
import { nextPictures } from './next-pictures.ts'

const tags = ['Jobs']
const path = '/v1/jobs/{id}/artifacts/{artifactId}/predictions'
const PictureQuery = z.object({ name: queryText(1000).optional().describe('The name of the file, for people') })
const PredictionParams = ArtifactParams.extend({
  predictionId: z.string().regex(/^[\w-]{1,64}$/, 'must be the id of a prediction'),
})
const noSuchCheckpoint = { 404: problem('The job or its checkpoint does not exist') }

const createRouteOfPictures = createRoute({
  tags,
  method: 'post',
  path,
  summary: 'Predict a picture with a checkpoint',
  description:
    'The body is the picture: PNG, JPEG or WebP, at most 20 MiB and 50 million pixels. The trainer of the job predicts ' +
    'it, in a job that is started for it and then waits some minutes for more pictures. Read the result with `GET`.',
  request: {
    params: ArtifactParams,
    query: PictureQuery,
    body: { required: true, content: { 'image/*': { schema: z.string().meta({ format: 'binary' }) } } },
  },
  responses: {
    202: json(Prediction, 'The picture waits'),
    ...noSuchCheckpoint,
    413: problem('The picture is too large'),
    422: problem(
      'It is no picture, it is damaged or too large, the artifact is no checkpoint, or the trainer cannot predict',
    ),
    429: problem('Too many pictures wait; retry after `Retry-After` seconds'),
  },
})
const listRoute = createRoute({
  tags,
  method: 'get',
  path,
  summary: 'List the pictures that were sent to a checkpoint, newest first',
  request: { params: ArtifactParams, query: z.object({ cursor: NumberCursor, limit: limitUpTo(100, 20) }) },
  responses: { 200: json(PredictionList, 'One page'), ...noSuchCheckpoint },
})
const getRoute = createRoute({
  tags,
  method: 'get',
  path: `${path}/{predictionId}`,
  summary: 'Get what was found in a picture',
  request: {
    params: PredictionParams,
    query: z.object({
      wait: z.coerce.number().min(0).max(25).default(0).describe('Seconds to wait for the result'),
    }),
  },
  responses: { 200: json(Prediction, 'The picture, with what was found once it is done'), ...noSuchCheckpoint },
})

/** Pictures that people send to checkpoints. */
export function predictionRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  // Only described to OpenAPI: the body is bytes.
  api.openAPIRegistry.registerPath(createRouteOfPictures)
  api.post('/v1/jobs/:id/artifacts/:artifactId/predictions', async (c) => {
    const { id: jobId, artifactId } = parseBody(ArtifactParams, c.req.param())
    const { name = 'picture' } = parseBody(PictureQuery, c.req.query())
    const bytes = await readBody(c.req.raw, MAX_PICTURE_BYTES)
    const picture = { jobId, artifactId, name: String(cleanText(name)), bytes }
    const caller = callerOf(c)
    return c.json(await createPrediction(signingForCaller(context, caller), caller, picture), 202)
  })
  api.openapi(listRoute, async (c) => {
    const { id: jobId, artifactId } = c.req.valid('param')
    return c.json(
      await listPredictions(signingForCaller(context, callerOf(c)), { jobId, artifactId, ...c.req.valid('query') }),
      200,
    )
  })
  api.openapi(getRoute, async (c) => {
    const { id: jobId, ...params } = c.req.valid('param')
    const { wait: waitSeconds } = c.req.valid('query')
    const { signal } = c.req.raw
    return c.json(
      await getPrediction(signingForCaller(context, callerOf(c)), { jobId, ...params, waitSeconds, signal }),
      200,
    )
  })
  return api
}

const imagesRoute = createRoute({
  ...trainerRoute,
  method: 'get',
  path: '/v1/jobs/{id}/inputs/images',
  summary: 'Get the next pictures to predict',
  description:
    'For a job of the operation "predict" without a dataset. Waits for the first picture. Report each with an event ' +
    '`prediction` and ask again with `after`, until `done`.',
  request: {
    params: JobParams,
    query: z.object({
      after: z.coerce.number().int().nonnegative().default(0).describe('The `cursor` of the previous answer'),
      wait: z.coerce.number().min(0).max(25).default(20).describe('Seconds to wait for a picture'),
      last: z.stringbool().default(false).describe('The trainer takes no more pictures after these'),
    }),
  },
  responses: {
    200: json(PictureInputs, 'The pictures'),
    ...trainerProblems,
    404: problem('The job predicts a dataset'),
  },
})

/** Pictures under `CALLBACK_URL`: CONTRACT section 3. The route needs the job token. */
export function trainerPictureRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(imagesRoute, async (c) => {
    const claims = await authenticateTrainer(context, c.req.raw, c.req.valid('param').id)
    const { wait: waitSeconds, ...query } = c.req.valid('query')
    const { signal } = c.req.raw
    return c.json(
      await nextPictures(signingForAttempt(context, claims), claims, { ...query, waitSeconds, signal }),
      200,
    )
  })
  return api
}
