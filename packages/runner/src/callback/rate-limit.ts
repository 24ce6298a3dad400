import { type Clock, TrainyardError } from '@trainyard/platform'

export interface RateLimitOptions {
  clock: Clock
  /** What a job may spend for long. */
  perSecond: number
  /** How many seconds' worth it may spend at once. */
  burstSeconds: number
  /** Jobs that are remembered. Default: 10,000. */
  maxJobs?: number
}

export interface RateLimit {
  /** @throws TrainyardError `rate_limited` while the job has spent more than it may */
  admit(jobId: number): void
  /** What was done is done: a job may go into debt once, and waits until it is paid. */
  spend(jobId: number, amount: number): void
}

/** One bucket of tokens a job, filled at a steady pace. */
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
        `Job ${jobId} sends more than ${perSecond} events a second; wait ${retryAfterSeconds} s, then go on where you were`,
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
