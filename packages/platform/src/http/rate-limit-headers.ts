import type { Context } from 'hono'

/** Where a sender stands in the limit that its request was counted by. */
export interface RateLimitState {
  /** The limit's name, such as `anonymous`. */
  policy: string
  /** Requests in a window. */
  quota: number
  windowSeconds: number
  remaining: number
  /** Seconds until the window ends. */
  resetSeconds: number
}

const states = new WeakMap<Request, RateLimitState>()

/** Stored outside of the request, so that it is available in mounted apps. */
export function setRateLimitState(request: Request, state: RateLimitState): void {
  states.set(request, state)
}

export function rateLimitStateOf(request: Request): RateLimitState | undefined {
  return states.get(request)
}

/** Adds `RateLimit-Policy` and `RateLimit` (draft 8 of the IETF's "RateLimit header fields for HTTP") to a response. */
export function writeRateLimit(c: Context): void {
  const state = states.get(c.req.raw)
  if (state === undefined) return
  const { policy, quota, windowSeconds, remaining, resetSeconds } = state
  const { headers } = c.res
  try {
    headers.set('ratelimit-policy', `"${policy}";q=${quota};w=${windowSeconds}`)
    headers.set('ratelimit', `"${policy}";r=${remaining};t=${resetSeconds}`)
  } catch {
    // The headers of a redirect cannot be changed. Who follows it needs no limits.
  }
}
