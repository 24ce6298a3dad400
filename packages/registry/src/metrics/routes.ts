import type { OpenAPIHono } from '@hono/zod-openapi'
import { requireMetricsAccess } from '@trainyard/platform'
import type { MiddlewareHandler } from 'hono'
import type { RegistryContext } from '../context.ts'
import { RegistryTelemetry } from './telemetry.ts'

/** Parts of the API, by the beginning of the path. What begins otherwise is `other`. */
const APIS: readonly [prefix: string, api: string][] = [
  ['/v2', 'oci'],
  ['/token', 'token'],
  ['/v1/trainers', 'catalogue'],
  ['/v1/checks', 'checks'],
  ['/v1/pushes', 'checks'],
]
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
/** Asked by machines every few seconds. */
const NOT_COUNTED = new Set(['/healthz', '/readyz', '/metrics'])

/** Times every request, and serves `GET /metrics` for Prometheus. Mount it first. */
export function mountMetrics(api: OpenAPIHono, context: RegistryContext): void {
  let made: RegistryTelemetry | undefined
  // At the first request: what only describes the routes has no database.
  const telemetry = () => {
    made ??= new RegistryTelemetry(context.database)
    return made
  }
  api.use('*', timed(telemetry))
  api.get('/metrics', async (c) => {
    requireMetricsAccess(c.req.raw, context.config.metrics)
    const text = await telemetry().exposition()
    return c.text(text, 200, { 'content-type': telemetry().registry.contentType, 'cache-control': 'no-store' })
  })
}

function timed(telemetry: () => RegistryTelemetry): MiddlewareHandler {
  return async (c, next) => {
    const { path, method } = c.req
    if (NOT_COUNTED.has(path)) return await next()
    const started = performance.now()
    await next()
    const api = APIS.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))?.[1] ?? 'other'
    // A stranger can send any method.
    const labels = {
      api,
      method: METHODS.has(method) ? method : 'other',
      status: `${Math.floor(c.res.status / 100)}xx`,
    }
    telemetry().requests.observe(labels, (performance.now() - started) / 1000)
  }
}
