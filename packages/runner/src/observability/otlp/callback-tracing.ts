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
/** Spans that wait for the collector; more are dropped, and intake goes on. */
const MAX_QUEUE = 2048

/** A span for each callback of a trainer that sends a `traceparent`, below the span it names. */
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
      const [, , what] = CALLBACK.exec(c.req.path) ?? []
      // Only trainers hold a token and report; people who look at jobs are no part of their traces.
      const isCallback = c.req.method === 'POST' && c.req.header('authorization') !== undefined
      if (traceId === undefined || parentId === undefined || what === undefined || !isCallback) return await next()
      const start = new Date()
      await next()
      const { status } = c.res
      const span = finishedSpan(
        {
          traceId,
          spanId: randomBytes(8).toString('hex'),
          parentId,
          name: `callback ${what.split('/')[0]}`,
          server: true,
          start,
          end: new Date(),
          attributes: { 'http.request.method': c.req.method, 'http.response.status_code': status },
          ...(status >= 500 ? { error: `answered ${status}` } : {}),
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
