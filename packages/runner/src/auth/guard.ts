import type { OpenAPIHono } from '@hono/zod-openapi'
import type { RunnerContext } from '../context.ts'
import { JobParams } from '../http/openapi.ts'
import { authorise, callerOf } from './authorise.ts'
import { requireDataset, requireJob } from './require.ts'

/**
 * Guards every route that is mounted after it. Requires an authenticated caller; routes below a job or a dataset return 404
 * to callers who cannot see it. New routes are guarded by default. Verbs that are not about a single job or dataset check
 * permissions themselves.
 */
export function guardPeople(api: OpenAPIHono, context: RunnerContext): void {
  api.use('/v1/*', async (c, next) => {
    c.set('caller', await authorise(context, c.req.raw))
    await next()
  })
  const isReading = (method: string) => method === 'GET' || method === 'HEAD'
  for (const path of ['/v1/jobs/:id', '/v1/jobs/:id/*'] as const) {
    api.use(path, async (c, next) => {
      // The routes parse the id in the same way and reject one that is not a number.
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
      // Every dataset id starts with `ds_`; other paths below /v1/datasets do not name a dataset.
      if (id?.startsWith('ds_')) await requireDataset(context, callerOf(c), id, action)
      await next()
    })
  }
}
