import { randomBytes } from 'node:crypto'

/** 32 lower-case hex digits. */
export function newTraceId(): string {
  return randomBytes(16).toString('hex')
}

/** A W3C `traceparent` with a new span of the given trace. */
export function traceparent(traceId: string): string {
  return `00-${traceId}-${randomBytes(8).toString('hex')}-01`
}

/** The trace id inside a `traceparent`, or undefined when there is none that can be used. */
export function parseTraceparent(header: string | undefined): string | undefined {
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(header ?? '')?.[1]
  return traceId === undefined || /^0+$/.test(traceId) ? undefined : traceId
}
