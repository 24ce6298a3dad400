import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { CacheDatasetRequest, CachedDatasetState } from '@trainyard/contract'
import { createApi, readJsonBody } from '@trainyard/platform'
import { authenticateTrainer } from '../auth/authenticate-trainer.ts'
import type { RunnerContext } from '../context.ts'
import { JobParams, json, problem, trainerProblems, trainerRoute } from '../http/openapi.ts'
import { parseBody, SMALL_BODY } from '../http/read-body.ts'
import { requestCache } from './request-cache.ts'

const cacheRoute = createRoute({
  ...trainerRoute,
  method: 'post',
  path: '/v1/jobs/{id}/dataset/cache',
  summary: 'Request the dataset in the cache that the platform fills',
  description: 'Starts filling the cache and reports its state. Repeat the request until the state is "ready".',
  request: {
    params: JobParams,
    body: { required: true, content: { 'application/json': { schema: CacheDatasetRequest } } },
  },
  responses: {
    200: json(CachedDatasetState, 'The state of the cache'),
    ...trainerProblems,
    404: problem('The job has no dataset, or its trainer fills a cache of its own'),
  },
})

/** The dataset cache under `CALLBACK_URL`. Needs the job token. */
export function datasetCacheRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  // Only described to OpenAPI: the body may be compressed, and the token is verified before the body is read.
  api.openAPIRegistry.registerPath(cacheRoute)
  api.post('/v1/jobs/:id/dataset/cache', async (c) => {
    const claims = await authenticateTrainer(context, c.req.raw, c.req.param('id'))
    const body = parseBody(CacheDatasetRequest, (await readJsonBody(c.req.raw, SMALL_BODY)) ?? {})
    return c.json(await requestCache(context, claims, body))
  })
  return api
}
