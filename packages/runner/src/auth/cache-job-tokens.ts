import { createHash } from 'node:crypto'
import type { Clock, JobTokenClaims, JobTokens } from '@trainyard/platform'

/** As forgiving as the verification itself: clocks of trainers and platform may differ by this much. */
const SKEW_MS = 60_000

/**
 * Remembers the tokens that were found valid until they expire, so that a signature is checked once and not with every
 * batch. Only hashes are kept. Tokens cannot be revoked: that an attempt is over is for the database to say.
 */
export function cacheJobTokens(tokens: JobTokens, clock: Clock, maxTokens = 10_000): JobTokens {
  const known = new Map<string, JobTokenClaims>()
  return {
    issue: (claims) => tokens.issue(claims),
    async verify(token) {
      const key = createHash('sha256').update(token).digest('base64')
      const cached = known.get(key)
      if (cached !== undefined) {
        known.delete(key)
        if (clock.now().getTime() < cached.expiresAt.getTime() + SKEW_MS) {
          known.set(key, cached)
          return cached
        }
      }
      const claims = await tokens.verify(token)
      known.set(key, claims)
      // The one that was not used for the longest time comes first.
      for (const oldest of known.keys()) {
        if (known.size <= maxTokens) break
        known.delete(oldest)
      }
      return claims
    },
  }
}
