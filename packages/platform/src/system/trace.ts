import { randomBytes } from 'node:crypto'

/** Random bytes are generated in blocks, because each call is expensive. Each byte is used once. */
let pool = Buffer.alloc(0)
let used = 0

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(4096)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}

/** 32 lower-case hex digits. */
export function newTraceId(): string {
  return randomHex(16)
}

/** A W3C `traceparent` with a new span of the given trace. */
export function traceparent(traceId: string): string {
  return `00-${traceId}-${randomHex(8)}-01`
}

/** The trace id in a `traceparent`; undefined when the header is missing or invalid. */
export function parseTraceparent(header: string | undefined): string | undefined {
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(header ?? '')?.[1]
  return traceId === undefined || /^0+$/.test(traceId) ? undefined : traceId
}

/** The id of the sender's span in a `traceparent`; undefined when the header is missing or invalid. */
export function parseParentId(header: string | undefined): string | undefined {
  if (parseTraceparent(header) === undefined) return undefined
  const parentId = header?.split('-')[2]
  return parentId === undefined || /^0+$/.test(parentId) ? undefined : parentId
}
