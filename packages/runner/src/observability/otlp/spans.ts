import { type Attributes, type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

export interface SpanInput {
  traceId: string
  spanId: string
  parentId?: string | undefined
  name: string
  /** Whether the span is a request that the runner served. */
  server?: boolean | undefined
  start: Date
  end: Date
  attributes?: Attributes | undefined
  /** Marks the span as failed. */
  error?: string | undefined
}

export function serviceResource(serviceName: string): Resource {
  return resourceFromAttributes({ 'service.name': serviceName })
}

/** A span that has ended. Ids and times are given, because the SDK would create its own. */
export function finishedSpan(input: SpanInput, resource: Resource): ReadableSpan {
  const { traceId, spanId, parentId, name, attributes = {}, error } = input
  const start = toHrTime(input.start)
  const end = toHrTime(new Date(Math.max(input.start.getTime(), input.end.getTime())))
  const context = (id: string) => ({ traceId, spanId: id, traceFlags: TraceFlags.SAMPLED })
  const span: ReadableSpan = {
    name,
    kind: input.server ? SpanKind.SERVER : SpanKind.INTERNAL,
    spanContext: () => context(spanId),
    startTime: start,
    endTime: end,
    duration: toHrTime(new Date(Math.max(0, input.end.getTime() - input.start.getTime()))),
    status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'trainyard' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
  return parentId === undefined ? span : { ...span, parentSpanContext: context(parentId) }
}

function toHrTime(time: Date): HrTime {
  const ms = time.getTime()
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000]
}
