import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { ResourceSampleList } from '@trainyard/contract'
import { createApi } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { Attempt, JobParams, json, limitUpTo, noSuchJob } from '../http/openapi.ts'
import { readSamples } from './read-samples.ts'

const readRoute = createRoute({
  tags: ['Jobs'],
  method: 'get',
  path: '/v1/jobs/{id}/resources',
  summary: 'Read what the processes of an attempt used over time',
  description:
    'CPU and memory, and GPUs where `nvidia-smi` knows them. Samples are five seconds apart at first, and further apart the ' +
    'longer the attempt runs.',
  request: { params: JobParams, query: z.object({ attempt: Attempt, points: limitUpTo(5000, 300) }) },
  responses: { 200: json(ResourceSampleList, 'The samples'), ...noSuchJob },
})

export function resourceRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(readRoute, async (c) => {
    const { attempt, points } = c.req.valid('query')
    return c.json(await readSamples(context, c.req.valid('param').id, { attempt, points }), 200)
  })
  return api
}
