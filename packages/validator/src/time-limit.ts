/** The time limit of a validation. The preparation of a Python environment does not count: it has a limit of its own. */
export class TimeLimit {
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout
  /** In terms of `performance.now()`. */
  endsAt: number

  constructor(timeoutMs: number) {
    this.endsAt = performance.now() + timeoutMs
    this.#timer = this.#start()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  extend(ms: number): void {
    this.endsAt += ms
    clearTimeout(this.#timer)
    this.#timer = this.#start()
  }

  /** Its timer keeps the process alive until then, so that a phase that waits for nothing ends with a report. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => this.#abort.abort(), Math.max(0, this.endsAt - performance.now()))
  }
}
