import { createHash } from 'node:crypto'

/**
 * Id of the span that is a whole attempt. It follows from the trace and the attempt, so that whoever starts the trainer,
 * and whoever writes the span down when it has ended, mean the same span, whichever replica that is.
 */
export function attemptSpanId(traceId: string, attempt: number): string {
  return spanIdOf(traceId, `attempt ${attempt}`)
}

/** The same for a part of it. */
export function spanIdOf(traceId: string, what: string): string {
  return createHash('sha256').update(`${traceId} ${what}`).digest('hex').slice(0, 16)
}

/** The W3C `traceparent` that a trainer is given. */
export function attemptTraceparent(traceId: string, attempt: number): string {
  return `00-${traceId}-${attemptSpanId(traceId, attempt)}-01`
}
