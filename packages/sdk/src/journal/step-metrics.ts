import type { NewEvent } from './new-event.ts'

/** A step's metrics, and when it was in milliseconds since 1970. */
export interface HeldEvent {
  event: NewEvent
  time: number
}

export interface StepMetricsOptions {
  /** How long they may be held back, in milliseconds. */
  holdMs: number
  /** Called with what was held back, in order. It does not throw. */
  write: (held: readonly HeldEvent[]) => void
}

/**
 * Holds metrics of single steps back for a moment, so that a fast loop pays one write for many of them: between two steps
 * the processor has forgotten us, and writing one event then takes twenty times what it takes beside others. In a loop that
 * reports less often nothing is held back. Only a `kill -9` can take what is held; every other end of a process writes it.
 */
export class StepMetrics {
  readonly #holdMs: number
  readonly #write: StepMetricsOptions['write']
  #held: HeldEvent[] = []
  #heldSince = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  readonly #onTime = () => this.write()

  constructor({ holdMs, write }: StepMetricsOptions) {
    this.#holdMs = holdMs
    this.#write = write
  }

  get length(): number {
    return this.#held.length
  }

  /** Takes an event, which nobody may change afterwards. */
  add(held: HeldEvent): void {
    this.#held.push(held)
    // A loop that never lets timers run is held to the same limit; a clock that was set back makes it due.
    const isDue = Math.abs(held.time - this.#heldSince) >= this.#holdMs
    if (isDue || this.#held.length >= MAX_HELD) this.write()
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(this.#onTime, this.#holdMs)
      this.#timer.unref()
      process.once('exit', this.#onTime)
    }
  }

  /** Writes what is held back: before anything that must come after it. */
  write(): void {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      process.off('exit', this.#onTime)
    }
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    this.#heldSince = held.at(-1)?.time ?? 0
    this.#write(held)
  }
}

/** For loops that are faster than any training. */
const MAX_HELD = 200
