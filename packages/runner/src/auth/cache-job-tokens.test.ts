import { createJobTokens, type JobTokens, secretKeys } from '@trainyard/platform'
import { fakeClock } from '@trainyard/platform/testing'
import { describe, expect, it } from 'vitest'
import { cacheJobTokens } from './cache-job-tokens.ts'

function counted(maxTokens?: number) {
  const clock = fakeClock()
  const tokens = createJobTokens({ keys: secretKeys('a secret for tests that is long enough'), clock })
  let checks = 0
  const counting: JobTokens = {
    issue: (claims) => tokens.issue(claims),
    verify: (token) => {
      checks++
      return tokens.verify(token)
    },
  }
  return { cached: cacheJobTokens(counting, clock, maxTokens), clock, checks: () => checks }
}

describe('cached job tokens', () => {
  it('are verified once and yield the same claims each time', async () => {
    const { cached, checks } = counted()
    const { value } = await cached.issue({ jobId: 7, attempt: 2 })
    const first = await cached.verify(value)
    expect(await cached.verify(value)).toEqual(first)
    expect(first).toMatchObject({ jobId: 7, attempt: 2 })
    expect(checks()).toBe(1)
  })

  it('expire 60 seconds after their expiry time, like any token', async () => {
    const { cached, clock } = counted()
    const { value } = await cached.issue({ jobId: 7, attempt: 2, expiresInSeconds: 100 })
    await cached.verify(value)
    clock.advance(155_000)
    expect(await cached.verify(value)).toMatchObject({ jobId: 7 })
    clock.advance(10_000)
    await expect(cached.verify(value)).rejects.toMatchObject({ code: 'token_expired' })
  })

  it('are limited in number: the least recently used is evicted first', async () => {
    const { cached, checks } = counted(2)
    const [a, b, c] = await Promise.all([1, 2, 3].map((jobId) => cached.issue({ jobId, attempt: 1 })))
    for (const token of [a, b, a, c, a]) await cached.verify(token?.value ?? '')
    expect(checks()).toBe(3)
    await cached.verify(b?.value ?? '')
    expect(checks()).toBe(4)
  })

  it('do not make a modified token valid', async () => {
    const { cached } = counted()
    const { value } = await cached.issue({ jobId: 7, attempt: 2 })
    await cached.verify(value)
    await expect(cached.verify(`${value}x`)).rejects.toMatchObject({ code: 'unauthenticated' })
  })
})
