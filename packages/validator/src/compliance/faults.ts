import { createRandom } from './random.ts'
import type { FaultRecord } from './record.ts'

/** What happens to one request. */
export type Fault =
  /** Answered with 503 without looking at it. */
  | { readonly kind: 'refuse'; readonly retryAfterSeconds?: number }
  /** Carried out, then answered with 503: the sender cannot know that it has arrived. */
  | { readonly kind: 'lose_answer' }
  /** Answered with a body that breaks off. */
  | { readonly kind: 'break_off' }

/** A request as the script sees it. */
export interface ScriptedRequest {
  readonly method: string
  /** `events`, `artifacts`, `dataset` … of a job, or `storage`. */
  readonly target: string
}

/** How long the platform is away. */
const OUTAGE_MS = 2000

/**
 * Bursts of 503 at the start, one lost answer, and an outage from the upload of the first checkpoint on, when the most
 * is at stake. Which requests are hit is decided by the seed; the same requests meet the same faults.
 */
export class FaultScript {
  readonly #random
  readonly #now: () => number
  readonly #refusals: Map<string, number>
  #loseAnswerAt: number
  #acceptedEvents = 0
  #outageEndsAt: number | undefined
  #counts = { refused: 0, lostAnswers: 0, inOutage: 0, askedAfterOutage: false }

  constructor(seed: number, now: () => number = () => performance.now()) {
    this.#random = createRandom(seed)
    this.#now = now
    this.#refusals = new Map([
      ['events', this.#random.integer(1, 3)],
      ['dataset', this.#random.integer(0, 2)],
    ])
    this.#loseAnswerAt = this.#random.integer(1, 2)
  }

  get record(): FaultRecord {
    return { ...this.#counts }
  }

  /** Decides what happens to a request; undefined lets it pass. */
  decide({ method, target }: ScriptedRequest): Fault | undefined {
    const outage = this.#outage(method, target)
    if (outage) return outage
    const left = this.#refusals.get(target) ?? 0
    if (left > 0) {
      this.#refusals.set(target, left - 1)
      this.#counts.refused++
      // The last refusal of a burst says when to come back.
      return left === 1 ? { kind: 'refuse', retryAfterSeconds: 1 } : { kind: 'refuse' }
    }
    if (target === 'events' && ++this.#acceptedEvents === this.#loseAnswerAt) {
      this.#counts.lostAnswers++
      return { kind: 'lose_answer' }
    }
    return undefined
  }

  #outage(method: string, target: string): Fault | undefined {
    if (this.#outageEndsAt === undefined) {
      if (method !== 'POST' || target !== 'artifacts') return undefined
      this.#outageEndsAt = this.#now() + OUTAGE_MS
    }
    if (this.#now() >= this.#outageEndsAt) {
      this.#counts.askedAfterOutage = true
      return undefined
    }
    this.#counts.inOutage++
    return this.#random.next() < 0.5 ? { kind: 'refuse' } : { kind: 'break_off' }
  }
}
