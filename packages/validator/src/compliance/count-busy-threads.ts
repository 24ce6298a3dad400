/** What the kernel says of a thread. Times are in milliseconds. */
export interface Thread {
  /** `R`: it runs, or waits for a processor. */
  readonly state: string
  /** How long it has run. 0: the kernel does not say. */
  readonly ranMs: number
  readonly waitedMs: number
  /** Since its start. */
  readonly ageMs: number
}

/** Of the time that the busiest thread runs. */
const MIN_SHARE = 0.2
const TICK_MS = 10

/**
 * How many threads compute. On a busy machine, those that have little to do wait for a processor for long, and look like the others: they
 * are told apart by what they run, as a share of their life, beside the busiest one.
 */
export function countBusyThreads(threads: readonly Thread[]): number {
  const shares = threads.map(({ ranMs, ageMs }) => ranMs / Math.max(ageMs, TICK_MS))
  const least = MIN_SHARE * Math.max(0, ...shares)
  return threads.filter(({ state }, index) => state === 'R' && (shares[index] ?? 0) >= least).length
}
