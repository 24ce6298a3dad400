/** Waits between tries: full jitter (any time up to the growing bound), so that a thousand trainers do not return as one. */
export interface BackoffOptions {
  /** Bound of the first wait, in milliseconds. Default 500. */
  baseMs?: number
  /** Bound of every wait, in milliseconds. Default 30,000. */
  capMs?: number
  random?: () => number
}

/** How long to wait before try number `failures` + 1, in milliseconds. */
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

/** `Retry-After` of an answer. A date is held against the answer's own clock: ours may be minutes off. */
export function readRetryAfter(headers: { 'retry-after'?: string | undefined; date?: string | undefined }) {
  const sent = Date.parse(headers.date ?? '')
  return retryAfterMs(headers['retry-after'], Number.isNaN(sent) ? new Date() : new Date(sent))
}

/** Whether the same request may succeed later. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500
}

/** Bounds how often retries may happen, whatever the waits say: `capacity` at once, then `perSecond`. */
export interface TokenBucket {
  /** Takes a token; the answer is how long to wait first, in milliseconds. */
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

/** Both must be used up before a request is given up. */
export interface RetryLimits {
  /** Tries, the first one included. Default 8. */
  maxTries?: number
  /** Since the first failure, in milliseconds. Default 600,000: an outage of minutes must not fail a training. */
  giveUpAfterMs?: number
}

export interface Retries {
  /** How often it has failed. */
  readonly failures: number
  /** Counts a failure and waits for the next try; false when it is time to give up. An abort throws the signal's reason. */
  wait(retryAfterMs?: number): Promise<boolean>
}

export function createRetries(options: {
  backoff?: BackoffOptions
  limits?: RetryLimits
  signal?: AbortSignal
}): Retries {
  const { backoff = {}, limits = {}, signal } = options
  const { maxTries = 8, giveUpAfterMs = 600_000 } = limits
  let failures = 0
  let firstAt: number | undefined
  return {
    get failures() {
      return failures
    },
    async wait(askedMs = 0) {
      failures++
      firstAt ??= performance.now()
      if (failures >= maxTries && performance.now() - firstAt >= giveUpAfterMs) return false
      await sleep(Math.max(askedMs, backoffMs(failures, backoff)), signal ? { signal } : {})
      return true
    },
  }
}

/** Waits; an abort ends the wait with the signal's reason. An unref'd wait does not keep the process alive. */
export function sleep(ms: number, options: { signal?: AbortSignal; unref?: boolean } = {}): Promise<void> {
  const { signal, unref = false } = options
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
