import type { OpenAPIHono } from '@hono/zod-openapi'
import type { RunnerContext } from '../context.ts'
import { JobParams } from '../http/openapi.ts'
import { authorise, callerOf } from './authorise.ts'
import { requireDataset, requireJob } from './require.ts'

/**
 * Puts a guard before every route of people that is mounted after it: nobody gets past without being somebody, and
 * whatever lies below a job or a dataset is only there for those who may see that. A new route is guarded before anybody
 * thinks of it; verbs that are about no single job or dataset ask for themselves.
 */
export function guardPeople(api: OpenAPIHono, context: RunnerContext): void {
  api.use('/v1/*', async (c, next) => {
    c.set('caller', await authorise(context, c.req.raw))
    await next()
  })
  const isReading = (method: string) => method === 'GET' || method === 'HEAD'
  for (const path of ['/v1/jobs/:id', '/v1/jobs/:id/*'] as const) {
    api.use(path, async (c, next) => {
      // What is no number is refused by the routes: they read it in the same way.
      const params = JobParams.safeParse({ id: c.req.param('id') })
      const action = isReading(c.req.method) ? 'jobs:read' : 'jobs:write'
      if (params.success) await requireJob(context, callerOf(c), params.data.id, action)
      await next()
    })
  }
  for (const path of ['/v1/datasets/:id', '/v1/datasets/:id/*'] as const) {
    api.use(path, async (c, next) => {
      const id = c.req.param('id')
      const action = isReading(c.req.method) ? 'datasets:read' : 'datasets:write'
      // Ids begin so; anything else below /v1/datasets is no dataset.
      if (id?.startsWith('ds_')) await requireDataset(context, callerOf(c), id, action)
      await next()
    })
  }
}
