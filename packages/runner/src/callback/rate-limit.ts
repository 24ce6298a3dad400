import { type Clock, TrainyardError } from '@trainyard/platform'

export interface RateLimitOptions {
  clock: Clock
  /** Sustained rate of one job. */
  perSecond: number
  /** Size of a burst, in seconds of the sustained rate. */
  burstSeconds: number
  /** Number of jobs whose rate is tracked. Default: 10,000. */
  maxJobs?: number | undefined
}

export interface RateLimit {
  /** @throws TrainyardError `rate_limited` while the job exceeds its rate */
  admit(jobId: number): void
  /** Charges a job for events. The charge can exceed what is left; the job is then not admitted until that is made up for. */
  spend(jobId: number, amount: number): void
}

/** One token bucket for each job. */
export function createRateLimit({ clock, perSecond, burstSeconds, maxJobs = 10_000 }: RateLimitOptions): RateLimit {
  const full = perSecond * burstSeconds
  const buckets = new Map<number, { left: number; at: number }>()
  const leftOf = (jobId: number) => {
    const bucket = buckets.get(jobId)
    if (bucket === undefined) return full
    const seconds = Math.max(0, clock.now().getTime() - bucket.at) / 1000
    return Math.min(full, bucket.left + seconds * perSecond)
  }
  return {
    admit(jobId) {
      const left = leftOf(jobId)
      if (left > 0) return
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - left) / perSecond))
      throw new TrainyardError(
        'rate_limited',
        `Job ${jobId} sends more than ${perSecond} events per second; wait ${retryAfterSeconds} s, then send the same events again`,
        { retryAfterSeconds },
      )
    },
    spend(jobId, amount) {
      const left = leftOf(jobId) - amount
      buckets.delete(jobId)
      buckets.set(jobId, { left, at: clock.now().getTime() })
      for (const oldest of buckets.keys()) {
        if (buckets.size <= maxJobs) break
        buckets.delete(oldest)
      }
    },
  }
}
