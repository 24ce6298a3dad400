import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { Check, CheckMessage, Problem } from '@trainyard/contract'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { getCheck } from './get-check.ts'
import { watchCheck } from './watch-check.ts'

const params = z.object({ id: z.string().max(100) })
const missing = {
  description: 'The check does not exist, or its version is not published and belongs to someone else',
  content: { 'application/problem+json': { schema: Problem } },
}

const get = createRoute({
  method: 'get',
  path: '/v1/checks/{id}',
  summary: 'Get the checks of a pushed manifest',
  tags: ['checks'],
  request: { params },
  responses: {
    200: { description: 'The check and its results', content: { 'application/json': { schema: Check } } },
    404: missing,
  },
})

const live = createRoute({
  method: 'get',
  path: '/v1/checks/{id}/live',
  summary: 'Stream the check each time it changes, until it has finished',
  tags: ['checks'],
  request: { params },
  responses: {
    200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: CheckMessage } } },
    404: missing,
  },
})

export function mountCheckRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(get, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    return c.json(await getCheck(context, caller, c.req.valid('param').id), 200)
  })
  api.openapi(live, async (c) => {
    const currentCaller = () => requireCaller(context, c.req.raw)
    const { id } = c.req.valid('param')
    await getCheck(context, await currentCaller(), id)
    return streamSSE(c, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      let sequence = 0
      for await (const check of watchCheck(context, id, currentCaller, gone.signal)) {
        if (!check) {
          await stream.write(': keep-alive\n\n')
          continue
        }
        sequence += 1
        await stream.writeSSE({ id: String(sequence), data: JSON.stringify({ type: 'check', check }) })
      }
    })
  })
}
