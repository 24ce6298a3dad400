import { createHash } from 'node:crypto'
import type { Clock, JobTokenClaims, JobTokens } from '@trainyard/platform'

/** The tolerance of the verification itself, for clocks that differ. */
const SKEW_MS = 60_000

/**
 * Caches verified tokens until they expire, so that a signature is verified once and not for every batch. Only hashes are
 * kept. Job tokens cannot be revoked: whether an attempt has ended is read from the database.
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
      // The map is in the order of use: the least recently used token comes first.
      for (const oldest of known.keys()) {
        if (known.size <= maxTokens) break
        known.delete(oldest)
      }
      return claims
    },
  }
}
