import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { ProjectName, UsageBy, UsageReport } from '@trainyard/contract'
import { createApi } from '@trainyard/platform'
import { callerOf } from '../auth/authorise.ts'
import type { RunnerContext } from '../context.ts'
import { json, problem } from '../http/openapi.ts'
import { readUsage } from './read-usage.ts'
import { usageCsv } from './usage-csv.ts'

const tags = ['Usage']
const Query = z.object({
  by: UsageBy.default('project').describe('What a row stands for'),
  from: z.iso.date().optional().describe('The first day, in UTC. Default: the first of the month of `to`'),
  to: z.iso.date().optional().describe('The last day, included. Default: today'),
  project: ProjectName.optional().describe('Default: every project that you can see'),
  all: z.stringbool().default(false).describe('Of the whole installation. For operators who are signed in'),
})
const problems = {
  403: problem('The token is not sufficient, or `all` was requested by someone who is no operator'),
  422: problem('The project does not exist, or the period is not valid'),
}
const usageRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/usage',
  summary: 'Read what was used, and what it costs',
  description:
    'GPU and CPU time, storage and transfers of the projects that you can see, by day in UTC. Attempts are counted when they ' +
    'end, running ones every ten minutes.',
  request: { query: Query },
  responses: { 200: json(UsageReport, 'The report'), ...problems },
})
const csvRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/usage.csv',
  summary: 'Read the same as CSV',
  request: { query: Query },
  responses: { 200: { description: 'The report', content: { 'text/csv': { schema: z.string() } } }, ...problems },
})

export function usageRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(usageRoute, async (c) => c.json(await readUsage(context, callerOf(c), c.req.valid('query')), 200))
  api.openapi(csvRoute, async (c) => {
    const report = await readUsage(context, callerOf(c), c.req.valid('query'))
    const { by, from, to } = report
    return c.text(usageCsv(report), 200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="usage-by-${by}-${from}-${to}.csv"`,
    })
  })
  return api
}
