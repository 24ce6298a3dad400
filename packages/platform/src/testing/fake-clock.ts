import type { Clock } from '../system/clock.ts'

export interface FakeClock extends Clock {
  /** Advances the time, and runs the due timers in order. */
  advance(ms: number): void
}

/** A clock whose time changes only by `advance`. */
export function fakeClock(start: Date | string = '2026-01-01T00:00:00.000Z'): FakeClock {
  let nowMs = new Date(start).getTime()
  const timers = new Set<{ dueMs: number; run: () => void }>()
  return {
    now: () => new Date(nowMs),
    setTimeout(run, ms) {
      const timer = { dueMs: nowMs + ms, run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        const next = [...timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
        if (next === undefined) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.dueMs)
        next.run()
      }
      nowMs = untilMs
    },
  }
}
