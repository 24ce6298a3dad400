import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { LiveMessage } from '@trainyard/contract'
import { createApi } from '@trainyard/platform'
import { callerOf } from '../auth/authorise.ts'
import type { RunnerContext } from '../context.ts'
import { JobParams, noSuchJob } from '../http/openapi.ts'
import type { LiveFeeds } from './feeds.ts'
import { streamJob } from './stream-job.ts'
import { watchAccess } from './watch-access.ts'

const liveRoute = createRoute({
  tags: ['Jobs'],
  method: 'get',
  path: '/v1/jobs/{id}/live',
  summary: 'Follow a job with server-sent events',
  description: 'Sends a snapshot of the job, then its changes. `Last-Event-ID` resumes a stream.',
  request: { params: JobParams },
  responses: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: LiveMessage } } },
    ...noSuchJob,
  },
})

export function liveRoutes(context: RunnerContext, feeds: LiveFeeds): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(liveRoute, async (c) => {
    const lastEventId = c.req.header('last-event-id')
    const { id: jobId } = c.req.valid('param')
    const { method, url, headers } = c.req.raw
    const access = { request: { method, url, headers }, jobId, expiresAt: callerOf(c).expiresAt }
    const body = await streamJob(context, feeds, jobId, {
      lastEventId,
      watchAccess: (deny) => watchAccess(context, access, deny),
    })
    return new Response(body, {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies such as nginx buffer the stream otherwise.
        'x-accel-buffering': 'no',
      },
    })
  })
  return api
}
