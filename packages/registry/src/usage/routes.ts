import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { TrainerUsage } from '@trainyard/contract'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { problem } from '../route-parts.ts'
import { getUsage } from './get-usage.ts'

const usage = createRoute({
  tags: ['catalogue'],
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}/usage',
  summary: 'Count the pulls and runs of a trainer by day and by version',
  description:
    'For members of its organisation. Each subject that pulls counts once a day; bots are counted apart. Runs are those that ' +
    'runners stated, signed with their key.',
  request: {
    params: z.object({ namespace: z.string().max(64), name: z.string().max(64) }),
    query: z.object({ days: z.coerce.number().int().min(1).max(366).default(90) }),
  },
  responses: {
    200: { description: 'The usage', content: { 'application/json': { schema: TrainerUsage } } },
    401: problem,
    403: problem,
    404: problem,
  },
})

/** What the owners of a trainer learn about its use. */
export function mountUsageRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(usage, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    const { namespace, name } = c.req.valid('param')
    return c.json(
      await getUsage(context, caller, { name: `${namespace}/${name}`, days: c.req.valid('query').days }),
      200,
    )
  })
}
