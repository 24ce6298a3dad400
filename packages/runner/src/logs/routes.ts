import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { LogLevel, LogPage } from '@trainyard/contract'
import { createApi } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { Attempt, JobParams, json, limitUpTo, NumberCursor, noSuchJob, queryText } from '../http/openapi.ts'
import { readLogs } from './read-logs.ts'

const Time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-11-20T09:30:00Z' })
  .transform((text) => new Date(text))
  .optional()
const LineNumber = z.coerce.number().int().min(1).max(1_000_000_000).optional()

const logsRoute = createRoute({
  tags: ['Jobs'],
  method: 'get',
  path: '/v1/jobs/{id}/logs',
  summary: 'One page of log lines, oldest first',
  description:
    'Without `from`, `after` and `before`: the start of the log. With `from=end`: its newest lines. Filters apply to the page, ' +
    'the cursors and the counts.',
  request: {
    params: JobParams,
    query: z.object({
      attempt: Attempt,
      level: LogLevel.optional().describe('The lowest level to include'),
      search: queryText(500).optional(),
      since: Time.describe('Lines of this time or later'),
      until: Time.describe('Lines before this time'),
      line: LineNumber.describe('Number of the line to start at, from 1, counted without filters but `attempt`'),
      from: z.enum(['start', 'end']).optional().describe('Whether the page has the oldest or the newest lines'),
      after: NumberCursor.describe(
        'Only lines after the one with this id: `nextCursor`, or the last line already read',
      ),
      before: NumberCursor.describe('Only lines before the one with this id: `previousCursor`, or the first line read'),
      cursor: NumberCursor.describe('The same as `after`'),
      count: z.enum(['true', 'false']).optional().describe('Also count the lines before and after the page'),
      limit: limitUpTo(5000, 500),
    }),
  },
  responses: { 200: json(LogPage, 'One page'), ...noSuchJob },
})

export function logRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(logsRoute, async (c) => {
    const { cursor, after = cursor, count, ...query } = c.req.valid('query')
    return c.json(await readLogs(context, c.req.valid('param').id, { ...query, after, count: count === 'true' }), 200)
  })
  return api
}
