import { createHash, timingSafeEqual } from 'node:crypto'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApi, type Logger, TrainyardError } from '@trainyard/platform'
import type { MetricsConfig } from './config.ts'
import type { RunnerTelemetry } from './telemetry.ts'

export interface MetricsRoutesOptions {
  logger: Logger
  telemetry: RunnerTelemetry
  config: MetricsConfig | undefined
}

/**
 * `GET /metrics` for Prometheus. With `METRICS_TOKEN` it asks for that token. Without, it answers only where nobody but
 * this machine can ask: the server listens on loopback, and the request did not come through a proxy.
 */
export function metricsRoutes({ logger, telemetry, config }: MetricsRoutesOptions): OpenAPIHono {
  const api = createApi({ logger })
  api.get('/metrics', async (c) => {
    authorise(c.req.raw.headers, config)
    const text = await telemetry.exposition()
    return c.text(text, 200, { 'content-type': telemetry.registry.contentType, 'cache-control': 'no-store' })
  })
  return api
}

function authorise(headers: Headers, config: MetricsConfig | undefined): void {
  if (config?.token !== undefined) {
    const sent = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (sent !== undefined && sameText(sent, config.token)) return
    throw new TrainyardError('unauthenticated', 'This needs "Authorization: Bearer <METRICS_TOKEN>"')
  }
  const proxied = ['forwarded', 'x-forwarded-for', 'x-real-ip'].some((name) => headers.has(name))
  if (config?.open === true && !proxied) return
  throw new TrainyardError(
    'forbidden',
    'Metrics are for this machine alone; set METRICS_TOKEN to let others read them with "Authorization: Bearer …"',
  )
}

/** Takes as long for a wrong text as for the right one. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
