import type { Context } from 'hono'

/** Tells programs what the page tells people: when to try again. */
export function setRetryAfter(c: Context, { retryAfterSeconds }: { retryAfterSeconds?: number | undefined }): void {
  if (retryAfterSeconds !== undefined) c.header('Retry-After', String(retryAfterSeconds))
}
