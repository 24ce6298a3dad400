import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { LogLevel, LogPage } from '@trainyard/contract'
import { createApi } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { Attempt, JobParams, json, limitUpTo, NumberCursor, noSuchJob, queryText } from '../http/openapi.ts'
import { readLogs } from './read-logs.ts'

const logsRoute = createRoute({
  tags: ['Jobs'],
  method: 'get',
  path: '/v1/jobs/{id}/logs',
  summary: 'List log lines, oldest first',
  request: {
    params: JobParams,
    query: z.object({
      attempt: Attempt,
      level: LogLevel.optional().describe('The lowest level to include'),
      search: queryText(500).optional(),
      after: NumberCursor.describe('Id of the last line already read'),
      cursor: NumberCursor.describe('The same as `after`'),
      limit: limitUpTo(5000, 500),
    }),
  },
  responses: { 200: json(LogPage, 'One page'), ...noSuchJob },
})

export function logRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(logsRoute, async (c) => {
    const { cursor, after = cursor, ...query } = c.req.valid('query')
    return c.json(await readLogs(context, c.req.valid('param').id, { ...query, after }), 200)
  })
  return api
}
