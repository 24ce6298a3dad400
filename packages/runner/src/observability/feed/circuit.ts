/** Leaves a backend alone after it failed again and again; every pause is longer than the one before. */
export interface Circuit {
  /** Whether it may be asked now. After a pause one caller may, until it is known how that went. */
  mayTry(): boolean
  /** Asked, and it answered. */
  succeeded(): void
  failed(): void
  readonly isOpen: boolean
}

export interface CircuitOptions {
  /** Failures in a row that open it. Default: 5. */
  threshold?: number
  /** The first pause, doubled each time. Default: 2,000. */
  pauseMs?: number
  /** Default: 60,000. */
  maxPauseMs?: number
  now?: () => number
}

export function createCircuit(options: CircuitOptions = {}): Circuit {
  const { threshold = 5, pauseMs = 2000, maxPauseMs = 60_000, now = () => performance.now() } = options
  let failures = 0
  let pauses = 0
  let closedAgainAt = 0
  let probing = false
  const isOpen = () => failures >= threshold
  return {
    get isOpen() {
      return isOpen()
    },
    mayTry() {
      if (!isOpen()) return true
      if (probing || now() < closedAgainAt) return false
      probing = true
      return true
    },
    succeeded() {
      failures = 0
      pauses = 0
      probing = false
    },
    failed() {
      failures++
      // Calls that were under way when it opened are no further reason to wait longer.
      if (!isOpen() || (!probing && failures > threshold)) return
      probing = false
      closedAgainAt = now() + Math.min(maxPauseMs, pauseMs * 2 ** Math.min(pauses, 20))
      pauses++
    },
  }
}
