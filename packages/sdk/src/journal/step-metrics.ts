import type { NewEvent } from './new-event.ts'

/** The metrics of one step, and their time in milliseconds since 1970. */
export interface HeldEvent {
  event: NewEvent
  time: number
}

export interface StepMetricsOptions {
  /** Longest time that events are held, in milliseconds. */
  holdMs: number
  /** Writes held events, in order. Must not throw. */
  write: (held: readonly HeldEvent[]) => void
}

/** For loops that are faster than any training. */
const MAX_HELD = 200

/**
 * Holds the metrics of single steps for a moment and writes them together. Between two training steps the processor's caches
 * hold the model, and writing one event then costs twenty times as much as writing it with others. Loops that report less
 * often are not held back. Only a `kill -9` loses held events; every other end of the process writes them.
 */
export class StepMetrics {
  readonly #holdMs: number
  readonly #write: StepMetricsOptions['write']
  #held: HeldEvent[] = []
  #lastWrittenTime = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  readonly #onTime = () => this.write()

  constructor({ holdMs, write }: StepMetricsOptions) {
    this.#holdMs = holdMs
    this.#write = write
  }

  get length(): number {
    return this.#held.length
  }

  /** Takes an event, which the caller must not change afterwards. */
  add(held: HeldEvent): void {
    this.#held.push(held)
    // Checked here too, for a loop that never lets timers run. A clock that was set back makes the events due.
    const isDue = Math.abs(held.time - this.#lastWrittenTime) >= this.#holdMs
    if (isDue || this.#held.length >= MAX_HELD) this.write()
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(this.#onTime, this.#holdMs)
      this.#timer.unref()
      process.once('exit', this.#onTime)
    }
  }

  /** Writes the held events. Call it before writing an event that must follow them. */
  write(): void {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      process.off('exit', this.#onTime)
    }
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    this.#lastWrittenTime = held.at(-1)?.time ?? 0
    this.#write(held)
  }
}
