import { setTimeout as wait } from 'node:timers/promises'

export interface PaceOptions {
  perSecond: number
  /** How many may come at once before any of them waits. */
  burst: number
  /** Default: the time of this process. */
  nowMs?: (() => number) | undefined
  /** Default: a timer. */
  sleep?: ((milliseconds: number) => Promise<unknown>) | undefined
}

/** Lets callers pass in order, no more of them a second than `perSecond` after a burst. */
export function createPace({
  perSecond,
  burst,
  nowMs = () => performance.now(),
  sleep = wait,
}: PaceOptions): () => Promise<void> {
  const pauseMs = 1000 / perSecond
  let nextMs = Number.NEGATIVE_INFINITY
  return async () => {
    const now = nowMs()
    nextMs = Math.max(nextMs + pauseMs, now - (burst - 1) * pauseMs)
    if (nextMs > now) await sleep(nextMs - now)
  }
}
