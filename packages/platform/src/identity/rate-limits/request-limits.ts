import { z } from 'zod'

/** Requests in a minute, by all replicas together. */
export interface RequestLimits {
  enabled: boolean
  /** From one network without accepted credentials. */
  anonymous: number
  /** By one account or owner of a token. */
  reads: number
  writes: number
}

/** Far above what people and pipelines send, and below what a loop without pause does. */
export const DEFAULT_REQUEST_LIMITS: RequestLimits = { enabled: true, anonymous: 6000, reads: 12_000, writes: 6000 }

const limit = (fallback: number) => z.coerce.number().int().positive().default(fallback)

export const RequestLimitsEnvironment = {
  RATE_LIMITS: z.enum(['on', 'off']).default('on'),
  RATE_LIMIT_ANONYMOUS: limit(DEFAULT_REQUEST_LIMITS.anonymous),
  RATE_LIMIT_READS: limit(DEFAULT_REQUEST_LIMITS.reads),
  RATE_LIMIT_WRITES: limit(DEFAULT_REQUEST_LIMITS.writes),
}

const Values = z.object(RequestLimitsEnvironment)

export function toRequestLimits(values: z.output<typeof Values>): RequestLimits {
  return {
    enabled: values.RATE_LIMITS === 'on',
    anonymous: values.RATE_LIMIT_ANONYMOUS,
    reads: values.RATE_LIMIT_READS,
    writes: values.RATE_LIMIT_WRITES,
  }
}
