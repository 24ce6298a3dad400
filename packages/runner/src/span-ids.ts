import { createHash } from 'node:crypto'

/** The attempt of a job. Jobs of one submitter can share a trace. */
export interface TracedAttempt {
  traceId: string
  jobId: number
  attempt: number
}

/**
 * Id of the span of a whole attempt. It is derived, so that the replica which starts the trainer and the one which exports the
 * span agree on it.
 */
export function attemptSpanId(traced: TracedAttempt): string {
  return spanIdOf(traced, 'attempt')
}

/** Id of the span of one part of an attempt. */
export function spanIdOf({ traceId, jobId, attempt }: TracedAttempt, part: string): string {
  return createHash('sha256').update(`${traceId} ${jobId} ${attempt} ${part}`).digest('hex').slice(0, 16)
}

/** The W3C `traceparent` for a trainer, and for requests on behalf of the attempt. */
export function attemptTraceparent(traced: TracedAttempt): string {
  return `00-${traced.traceId}-${attemptSpanId(traced)}-01`
}
