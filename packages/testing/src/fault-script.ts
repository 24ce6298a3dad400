import { createRandom } from '@trainyard/datasets/transfer'

/** One thing that goes wrong. `at` counts the requests that the wrapped handler sees, from 0. */
export type Fault =
  /** So many answers in a row are 503. */
  | { type: 'unavailable'; at: number; count: number }
  /** 429 with `Retry-After`: in seconds, or as a date. */
  | { type: 'rate-limited'; at: number; count: number; retryAfterSeconds: number; asDate: boolean }
  /** The request is handled, and its answer breaks off after so many bytes. */
  | { type: 'reset'; at: number; count: number; afterBytes: number }
  /** The answer comes so much later. */
  | { type: 'slow'; at: number; count: number; delayMs: number }
  /** The request is handled twice, as after an answer that was lost. */
  | { type: 'duplicate'; at: number; count: number }
  /** Nothing is handled for a while: every answer is 503. */
  | { type: 'outage'; at: number; durationMs: number }
  /** 401 `token_expired`. */
  | { type: 'expired-token'; at: number; count: number }

/** One of {@link FAULT_TYPES}. */
export type FaultType = Fault['type']

/** What goes wrong, as plain data: a seed and its script can be printed, stored and played again. */
export interface FaultScript {
  seed: number
  faults: Fault[]
}

/** From which seed a script is made, and how bad it gets. */
export interface CreateFaultScriptOptions {
  seed: number
  /** Kinds to draw from. Default: all. */
  types?: readonly FaultType[]
  /** How many faults. Default 8. */
  count?: number
  /** Requests over which they are spread. Default 40. */
  requests?: number
  /** Longest delay of a slow answer and shortest outage, in milliseconds. Default 200. */
  delayMs?: number
  /** Length of an outage, in milliseconds. Default 1,000. */
  outageMs?: number
  /** Longest `Retry-After`, in seconds. Default 1. */
  retryAfterSeconds?: number
}

/** Every kind of fault. */
export const FAULT_TYPES = [
  'unavailable',
  'rate-limited',
  'reset',
  'slow',
  'duplicate',
  'outage',
  'expired-token',
] as const satisfies readonly FaultType[]

/** A script that follows from its seed alone. */
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
