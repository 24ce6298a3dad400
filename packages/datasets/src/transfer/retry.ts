/** Waits between tries, with full jitter: a thousand trainers must not come back at the same moment. */
export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. It doubles with each failure. Default 500. */
  baseMs?: number | undefined
  /** Upper bound of every wait, in milliseconds. Default 30,000. */
  capMs?: number | undefined
  random?: (() => number) | undefined
}

/** How long to wait after this number of failures, in milliseconds. */
export function backoffMs(failures: number, options: BackoffOptions = {}): number {
  const { baseMs = 500, capMs = 30_000, random = Math.random } = options
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 20))
}

/** Reads `Retry-After`: seconds or an HTTP date. Undefined when absent or unreadable; at most an hour. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - now.getTime() : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 3_600_000)
}

/** `Retry-After` of a response. Compares a date with the response's own `Date`: the local clock may be minutes off. */
export function readRetryAfter(headers: {
  'retry-after'?: string | undefined
  date?: string | undefined
}): number | undefined {
  const sent = Date.parse(headers.date ?? '')
  return retryAfterMs(headers['retry-after'], Number.isNaN(sent) ? new Date() : new Date(sent))
}

/** Whether the same request may succeed later. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500
}

/** Limits the rate of retries: `capacity` at once, then `perSecond`. */
export interface TokenBucket {
  /** Takes a token and returns how long to wait before using it, in milliseconds. */
  takeMs(): number
}

export function createTokenBucket(options: { capacity: number; perSecond: number; now: () => number }): TokenBucket {
  const { capacity, perSecond, now } = options
  let tokens = capacity
  let at = now()
  return {
    takeMs() {
      const time = now()
      tokens = Math.min(capacity, tokens + ((time - at) / 1000) * perSecond)
      at = time
      tokens -= 1
      return tokens >= 0 ? 0 : (-tokens / perSecond) * 1000
    },
  }
}

/** A request is given up when both limits are reached. */
export interface RetryLimits {
  /** Tries, including the first. Default 8. */
  maxTries?: number | undefined
  /** Time since the first failure, in milliseconds. Default 600,000: an outage of minutes must not fail a training. */
  giveUpAfterMs?: number | undefined
}

export interface Retries {
  /** The number of failures so far. */
  readonly failures: number
  /** Counts a failure and waits. Returns false when the limits are reached. An abort throws the signal's reason. */
  wait(retryAfterMs?: number): Promise<boolean>
}

export function createRetries(options: {
  backoff?: BackoffOptions | undefined
  limits?: RetryLimits | undefined
  signal?: AbortSignal | undefined
}): Retries {
  const { backoff, limits = {}, signal } = options
  const { maxTries = 8, giveUpAfterMs = 600_000 } = limits
  let failures = 0
  let firstAt: number | undefined
  return {
    get failures() {
      return failures
    },
    async wait(retryAfterMs = 0) {
      failures++
      firstAt ??= performance.now()
      if (failures >= maxTries && performance.now() - firstAt >= giveUpAfterMs) return false
      await sleep(Math.max(retryAfterMs, backoffMs(failures, backoff)), { signal })
      return true
    },
  }
}

export interface SleepOptions {
  /** An abort ends the wait with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Do not keep the process alive for the wait. Default false. */
  unref?: boolean | undefined
}

export function sleep(ms: number, { signal, unref = false }: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    if (unref) timer.unref()
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
