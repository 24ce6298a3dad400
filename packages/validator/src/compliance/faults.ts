import { createRandom } from './random.ts'
import type { FaultRecord } from './record.ts'

/** What happens to a request. */
export type Fault =
  /** Not carried out; the response is 503. */
  | { readonly kind: 'refuse'; readonly retryAfterSeconds?: number }
  /** Carried out, but the response is 503, so the sender cannot know. */
  | { readonly kind: 'lose_response' }
  /** Not carried out; the connection breaks in the middle of the response. */
  | { readonly kind: 'break_off' }

/** The parts of a request by which the script chooses faults. */
export interface ScriptedRequest {
  readonly method: string
  /** An endpoint of a job such as `events`, `artifacts` and `dataset`, or `storage`. */
  readonly target: string
}

/** How long the platform is unavailable. */
const OUTAGE_MS = 2000

/**
 * Bursts of 503 at the start, one lost response, and an outage that starts with the upload of the first checkpoint, when the
 * most can be lost. The seed decides which requests fail, so the same seed repeats the same faults.
 */
export class FaultScript {
  readonly #random
  readonly #now: () => number
  readonly #refusals: Map<string, number>
  #loseResponseAt: number
  #acceptedEvents = 0
  #outageEndsAt: number | undefined
  #counts = { refused: 0, lostResponses: 0, inOutage: 0, requestedAfterOutage: false }

  constructor(seed: number, now: () => number = () => performance.now()) {
    this.#random = createRandom(seed)
    this.#now = now
    this.#refusals = new Map([
      ['events', this.#random.integer(1, 3)],
      ['dataset', this.#random.integer(0, 2)],
    ])
    this.#loseResponseAt = this.#random.integer(1, 2)
  }

  get record(): FaultRecord {
    return { ...this.#counts }
  }

  /** Chooses the fault of a request; undefined if there is none. */
  decide({ method, target }: ScriptedRequest): Fault | undefined {
    const outage = this.#outage(method, target)
    if (outage) return outage
    const left = this.#refusals.get(target) ?? 0
    if (left > 0) {
      this.#refusals.set(target, left - 1)
      this.#counts.refused++
      // The last response of a burst has a Retry-After header.
      return left === 1 ? { kind: 'refuse', retryAfterSeconds: 1 } : { kind: 'refuse' }
    }
    if (target === 'events' && ++this.#acceptedEvents === this.#loseResponseAt) {
      this.#counts.lostResponses++
      return { kind: 'lose_response' }
    }
    return undefined
  }

  #outage(method: string, target: string): Fault | undefined {
    if (this.#outageEndsAt === undefined) {
      if (method !== 'POST' || target !== 'artifacts') return undefined
      this.#outageEndsAt = this.#now() + OUTAGE_MS
    }
    if (this.#now() >= this.#outageEndsAt) {
      this.#counts.requestedAfterOutage = true
      return undefined
    }
    this.#counts.inOutage++
    return this.#random.next() < 0.5 ? { kind: 'refuse' } : { kind: 'break_off' }
  }
}
