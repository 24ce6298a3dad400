import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApi, type Logger, type MetricsConfig, requireMetricsAccess } from '@trainyard/platform'
import type { RunnerTelemetry } from './telemetry.ts'

export interface MetricsRoutesOptions {
  logger: Logger
  telemetry: RunnerTelemetry
  config: MetricsConfig | undefined
}

/** `GET /metrics` for Prometheus. */
export function metricsRoutes({ logger, telemetry, config }: MetricsRoutesOptions): OpenAPIHono {
  const api = createApi({ logger })
  api.get('/metrics', async (c) => {
    requireMetricsAccess(c.req.raw, config)
    const text = await telemetry.exposition()
    return c.text(text, 200, { 'content-type': telemetry.registry.contentType, 'cache-control': 'no-store' })
  })
  return api
}
