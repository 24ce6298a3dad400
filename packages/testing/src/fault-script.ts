import { createRandom } from '@trainyard/datasets/transfer'

/** A fault. `at` is the number of the first request that it affects, from 0; `count` is the number of affected requests. */
export type Fault =
  /** The response is 503. */
  | { type: 'unavailable'; at: number; count: number }
  /** The response is 429, with `Retry-After` in seconds or as a date. */
  | { type: 'rate-limited'; at: number; count: number; retryAfterSeconds: number; asDate: boolean }
  /** The request is handled, and the connection breaks after `afterBytes` of the response. */
  | { type: 'reset'; at: number; count: number; afterBytes: number }
  /** The request is handled after a delay. */
  | { type: 'slow'; at: number; count: number; delayMs: number }
  /** The request is handled twice, as after a lost response. */
  | { type: 'duplicate'; at: number; count: number }
  /** Every response is 503 for a while. */
  | { type: 'outage'; at: number; durationMs: number }
  /** The response is 401 `token_expired`. */
  | { type: 'expired-token'; at: number; count: number }

/** One of {@link FAULT_TYPES}. */
export type FaultType = Fault['type']

/** Faults as plain data, which can be printed, stored and repeated. */
export interface FaultScript {
  seed: number
  faults: Fault[]
}

/** Options of {@link createFaultScript}. */
export interface CreateFaultScriptOptions {
  seed: number
  /** Types of the faults. Default: all. */
  types?: readonly FaultType[] | undefined
  /** The number of faults. Default 8. */
  count?: number | undefined
  /** The faults are spread over this number of requests. Default 40. */
  requests?: number | undefined
  /** Maximum delay of a slow response, in milliseconds. Default 200. */
  delayMs?: number | undefined
  /** Length of an outage, in milliseconds. Default 1,000. */
  outageMs?: number | undefined
  /** Maximum `Retry-After`, in seconds. Default 1. */
  retryAfterSeconds?: number | undefined
}

/** Every type of fault. */
export const FAULT_TYPES = [
  'unavailable',
  'rate-limited',
  'reset',
  'slow',
  'duplicate',
  'outage',
  'expired-token',
] as const satisfies readonly FaultType[]

/** Creates a script of random faults. The same options give the same script. */
export function createFaultScript(options: CreateFaultScriptOptions): FaultScript {
  const { seed, types = FAULT_TYPES, count = 8, requests = 40, delayMs = 200, outageMs = 1000 } = options
  const { retryAfterSeconds = 1 } = options
  const random = createRandom(seed)
  const integer = (from: number, to: number) => from + Math.floor(random() * (to - from + 1))
  const faults = Array.from({ length: count }, (): Fault => {
    const at = integer(0, requests - 1)
    const type = types[integer(0, types.length - 1)] ?? 'unavailable'
    switch (type) {
      case 'unavailable':
        return { type, at, count: integer(1, 3) }
      case 'rate-limited':
        return { type, at, count: 1, retryAfterSeconds: integer(0, retryAfterSeconds), asDate: random() < 0.5 }
      case 'reset':
        return { type, at, count: 1, afterBytes: integer(0, 40) }
      case 'slow':
        return { type, at, count: 1, delayMs: integer(1, delayMs) }
      case 'duplicate':
        return { type, at, count: integer(1, 2) }
      case 'outage':
        return { type, at, durationMs: outageMs }
      default:
        return { type, at, count: 1 }
    }
  })
  return { seed, faults: faults.sort((a, b) => a.at - b.at) }
}
