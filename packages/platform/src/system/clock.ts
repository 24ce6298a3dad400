/** Time and timers. Tests pass a {@link fakeClock} instead. */
export interface Clock {
  now(): Date
  setTimeout(run: () => void, ms: number): { cancel(): void }
}

/** The machine's time. Its timers do not keep the process running. */
export const systemClock: Clock = {
  now: () => new Date(),
  setTimeout(run, ms) {
    const timer = setTimeout(run, ms)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}
