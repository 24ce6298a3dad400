/** A circuit breaker: pauses calls to a backend that fails repeatedly. Each pause is longer than the one before. */
export interface Circuit {
  /** Whether a call is allowed now. After a pause, one caller is allowed until the result of its call is known. */
  mayTry(): boolean
  /** Reports that the backend answered. */
  succeeded(): void
  failed(): void
  readonly isOpen: boolean
}

export interface CircuitOptions {
  /** Consecutive failures that open it. Default: 5. */
  threshold?: number | undefined
  /** The first pause, doubled each time. Default: 2,000. */
  pauseMs?: number | undefined
  /** Default: 60,000. */
  maxPauseMs?: number | undefined
  now?: (() => number) | undefined
}

export function createCircuit(options: CircuitOptions = {}): Circuit {
  const { threshold = 5, pauseMs = 2000, maxPauseMs = 60_000, now = () => performance.now() } = options
  let failures = 0
  let pauses = 0
  let pauseEndsAt = 0
  let isProbing = false
  const isOpen = () => failures >= threshold
  return {
    get isOpen() {
      return isOpen()
    },
    mayTry() {
      if (!isOpen()) return true
      if (isProbing || now() < pauseEndsAt) return false
      isProbing = true
      return true
    },
    succeeded() {
      failures = 0
      pauses = 0
      isProbing = false
    },
    failed() {
      failures++
      // Calls that were in progress when it opened do not lengthen the pause.
      if (!isOpen() || (!isProbing && failures > threshold)) return
      isProbing = false
      pauseEndsAt = now() + Math.min(maxPauseMs, pauseMs * 2 ** Math.min(pauses, 20))
      pauses++
    },
  }
}
