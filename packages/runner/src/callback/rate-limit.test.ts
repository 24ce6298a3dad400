import { fakeClock } from '@trainyard/platform/testing'
import { describe, expect, it } from 'vitest'
import { createRateLimit } from './rate-limit.ts'

describe('the rate limit of a job', () => {
  it('allows a burst, then rejects the job until the burst is made up for', () => {
    const clock = fakeClock()
    const limit = createRateLimit({ clock, perSecond: 10, burstSeconds: 10 })
    limit.admit(1)
    limit.spend(1, 120)
    expect(() => limit.admit(1)).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: 3 }))
    limit.admit(2)
    clock.advance(3000)
    limit.admit(1)
  })

  it('tracks a limited number of jobs', () => {
    const limit = createRateLimit({ clock: fakeClock(), perSecond: 1, burstSeconds: 1, maxJobs: 2 })
    for (const jobId of [1, 2, 3]) limit.spend(jobId, 5)
    limit.admit(1)
    expect(() => limit.admit(3)).toThrow()
  })
})
