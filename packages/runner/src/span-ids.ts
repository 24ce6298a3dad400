import { createHash } from 'node:crypto'

/**
 * Id of the span of a whole attempt. It is derived from the trace and the attempt, so that the replica which starts the
 * trainer and the one which exports the span agree on it.
 */
export function attemptSpanId(traceId: string, attempt: number): string {
  return spanIdOf(traceId, `attempt ${attempt}`)
}

/** Id of the span of one part of an attempt. */
export function spanIdOf(traceId: string, part: string): string {
  return createHash('sha256').update(`${traceId} ${part}`).digest('hex').slice(0, 16)
}

/** The W3C `traceparent` for a trainer. */
export function attemptTraceparent(traceId: string, attempt: number): string {
  return `00-${traceId}-${attemptSpanId(traceId, attempt)}-01`
}
