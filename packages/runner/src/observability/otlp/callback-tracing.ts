import { randomBytes } from 'node:crypto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace'
import type { MiddlewareHandler } from 'hono'
import type { OtlpConfig } from './config.ts'
import { finishedSpan, serviceResource } from './spans.ts'

export interface CallbackTracing {
  middleware: MiddlewareHandler
  stop(): Promise<void>
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/
const CALLBACK = /^\/v1\/jobs\/([^/]+)\/(.+)$/
/** How many spans wait for the collector. More are dropped, so that intake is never delayed. */
const MAX_QUEUE = 2048

/** Creates a span for each callback that has a `traceparent`, as a child of the span that it names. */
export function createCallbackTracing(config: OtlpConfig): CallbackTracing {
  const resource = serviceResource(config.serviceName)
  const exporter = new OTLPTraceExporter({ url: config.tracesUrl, headers: { ...config.headers }, timeoutMillis: 5000 })
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: MAX_QUEUE,
    scheduledDelayMillis: 1000,
    exportTimeoutMillis: 6000,
  })
  return {
    async middleware(c, next) {
      const [, traceId, parentId] = TRACEPARENT.exec(c.req.header('traceparent') ?? '') ?? []
      const [, , route] = CALLBACK.exec(c.req.path) ?? []
      // Requests of people are not part of a job's trace.
      const isCallback = c.req.method === 'POST' && c.req.header('authorization') !== undefined
      if (traceId === undefined || parentId === undefined || route === undefined || !isCallback) return await next()
      const start = new Date()
      await next()
      const { status } = c.res
      const span = finishedSpan(
        {
          traceId,
          spanId: randomBytes(8).toString('hex'),
          parentId,
          name: `callback ${route.split('/')[0]}`,
          server: true,
          start,
          end: new Date(),
          attributes: { 'http.request.method': c.req.method, 'http.response.status_code': status },
          error: status >= 500 ? `answered ${status}` : undefined,
        },
        resource,
      )
      processor.onEnd(span)
    },
    async stop() {
      await processor.shutdown().catch(() => {})
    },
  }
}
