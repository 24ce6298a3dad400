import { createHash, timingSafeEqual } from 'node:crypto'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApi, isAddressedToLoopback, type Logger, type RequestHead, TrainyardError } from '@trainyard/platform'
import type { MetricsConfig } from './config.ts'
import type { RunnerTelemetry } from './telemetry.ts'

export interface MetricsRoutesOptions {
  logger: Logger
  telemetry: RunnerTelemetry
  config: MetricsConfig | undefined
}

/**
 * `GET /metrics` for Prometheus. Requires the token in `METRICS_TOKEN` if it is set. Otherwise it answers only requests from
 * this machine: the server must listen on loopback, and the request must not come through a proxy.
 */
export function metricsRoutes({ logger, telemetry, config }: MetricsRoutesOptions): OpenAPIHono {
  const api = createApi({ logger })
  api.get('/metrics', async (c) => {
    authorise(c.req.raw, config)
    const text = await telemetry.exposition()
    return c.text(text, 200, { 'content-type': telemetry.registry.contentType, 'cache-control': 'no-store' })
  })
  return api
}

function authorise(request: RequestHead, config: MetricsConfig | undefined): void {
  const { headers } = request
  if (config?.token !== undefined) {
    const sent = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (sent !== undefined && sameText(sent, config.token)) return
    throw new TrainyardError('unauthenticated', 'Requires the header "Authorization: Bearer <METRICS_TOKEN>"')
  }
  const isProxied = ['forwarded', 'x-forwarded-for', 'x-real-ip'].some((name) => headers.has(name))
  // A page whose DNS name was rebound to this machine sends its own name.
  if (config?.open === true && !isProxied && isAddressedToLoopback(request)) return
  throw new TrainyardError(
    'forbidden',
    'Metrics can be read from this machine only. Set METRICS_TOKEN to allow requests with "Authorization: Bearer …"',
  )
}

/** Compares in constant time. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
