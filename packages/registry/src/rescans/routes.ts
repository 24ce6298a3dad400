import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { RescanStatus, StartRescanRequest } from '@trainyard/contract'
import { clientAddress } from '@trainyard/platform'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { problem } from '../route-parts.ts'
import { getRescans, startRescan } from './rescans.ts'

const status = { description: 'The scanners', content: { 'application/json': { schema: RescanStatus } } }
const tags = ['checks']

const get = createRoute({
  tags,
  method: 'get',
  path: '/v1/rescans',
  summary: 'How far published versions were scanned again with the databases of the scanners',
  description: 'For operators.',
  responses: { 200: status, 401: problem, 403: problem },
})
const start = createRoute({
  tags,
  method: 'post',
  path: '/v1/rescans',
  summary: 'Scan every published version again',
  description: 'For operators. It happens automatically when the database of a scanner changes.',
  request: { body: { required: true, content: { 'application/json': { schema: StartRescanRequest } } } },
  responses: { 202: status, 400: problem, 401: problem, 403: problem },
})

/** Scans of published versions, for operators. */
export function mountRescanRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(get, async (c) => c.json(await getRescans(context, await requireCaller(context, c.req.raw)), 200))
  api.openapi(start, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    const address = clientAddress(c.req.raw, context.authenticator.config)
    return c.json(await startRescan(context, { caller, address }, c.req.valid('json')), 202)
  })
}
