import type { OpenAPIHono } from '@hono/zod-openapi'
import type { RegistryContext } from '../context.ts'
import { requireCaller } from './authenticate.ts'
import { requireCredentials } from './caller.ts'

const CHANGES = ['POST', 'PUT', 'PATCH', 'DELETE']
const PATHS = ['trainers', 'namespaces', 'rescans', 'checks', 'appeals', 'reviews'].map((name) => `/v1/${name}/*`)

/** Every change of the JSON API needs credentials, which are verified before its body is read. Routes below decide what they allow. */
export function authenticateChanges(api: OpenAPIHono, context: RegistryContext): void {
  api.on(CHANGES, PATHS, async (c, next) => {
    requireCredentials(await requireCaller(context, c.req.raw))
    await next()
  })
}
