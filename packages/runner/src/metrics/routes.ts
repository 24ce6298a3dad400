import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { MetricSeriesList } from '@trainyard/contract'
import { createApi } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { Attempt, Cursor, JobParams, json, limitUpTo, noSuchJob, queryText } from '../http/openapi.ts'
import { readMetrics } from './read-metrics.ts'

const metricsRoute = createRoute({
  tags: ['Jobs'],
  method: 'get',
  path: '/v1/jobs/{id}/metrics',
  summary: 'Read metrics for charts',
  description:
    'One page of series by name. Each series is downsampled to about `points` points. Every spike is kept. A page of series with many points has fewer series than `limit`.',
  request: {
    params: JobParams,
    query: z.object({
      name: queryText(250).optional(),
      attempt: Attempt,
      only: z
        .enum(['latest'])
        .optional()
        .describe('"latest": only the metrics in `latestMetrics` of the job, at most 100'),
      cursor: Cursor,
      limit: limitUpTo(1000, 100),
      points: z.coerce.number().int().min(10).max(100_000).default(2500),
    }),
  },
  responses: { 200: json(MetricSeriesList, 'The series'), ...noSuchJob },
})

export function metricRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(metricsRoute, async (c) =>
    c.json(await readMetrics(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
  return api
}
