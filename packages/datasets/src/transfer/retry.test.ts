import { describe, expect, it } from 'vitest'
import { backoffMs, createTokenBucket, isRetryableStatus, retryAfterMs, sleep } from './retry.ts'

describe('retries', () => {
  it('wait a random time up to a bound that doubles until the cap', () => {
    const bounds = [1, 2, 3, 10, 1000].map((failures) =>
      backoffMs(failures, { baseMs: 500, capMs: 30_000, random: () => 1 }),
    )
    expect(bounds).toEqual([500, 1000, 2000, 30_000, 30_000])
    expect(backoffMs(5, { random: () => 0 })).toBe(0)
  })

  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Fri, 20 Nov 2026 09:30:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 09:29:00 GMT', 0],
    ['999999', 3_600_000],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('read Retry-After %s as %s ms', (header, expected) => {
    expect(retryAfterMs(header, new Date('2026-11-20T09:30:00Z'))).toBe(expected)
  })

  it('are for status codes that may change', () => {
    expect([408, 425, 429, 500, 502, 503, 504].every(isRetryableStatus)).toBe(true)
    expect([200, 400, 401, 403, 404, 409, 410, 413, 422].some(isRetryableStatus)).toBe(false)
  })

  it('are limited by a bucket that fills up again', () => {
    let now = 0
    const bucket = createTokenBucket({ capacity: 2, perSecond: 1, now: () => now })
    expect([bucket.takeMs(), bucket.takeMs(), bucket.takeMs()]).toEqual([0, 0, 1000])
    now = 10_000
    expect(bucket.takeMs()).toBe(0)
  })

  it('stop waiting with the reason of an abort', async () => {
    const stop = new AbortController()
    const wait = sleep(60_000, { signal: stop.signal })
    stop.abort(new Error('stopped'))
    await expect(wait).rejects.toThrow('stopped')
  })
})
