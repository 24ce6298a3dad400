import type { Logger } from '../log.ts'

export interface Part {
  /** For the log. */
  name: string
  stop(): Promise<unknown> | undefined
}

export interface StopInTurnOptions {
  logger: Logger
  /** For all parts together. Default: 30 000, the usual limit of process supervisors. */
  withinMs?: number | undefined
}

const LEAST_MS = 250

/**
 * Stops parts one after the other. A part that takes more than half of the remaining time is abandoned, and one that fails
 * does not prevent the next ones from being stopped.
 *
 * @throws the first failure, after all parts. An abandoned part is logged as a warning
 */
export async function stopInTurn(parts: readonly Part[], options: StopInTurnOptions): Promise<void> {
  const { logger, withinMs = 30_000 } = options
  const endsAt = performance.now() + withinMs
  const failures: unknown[] = []
  for (const { name, stop } of parts) {
    const ms = Math.max(LEAST_MS, (endsAt - performance.now()) / 2)
    try {
      if (!(await endsWithin(ms, stop())))
        logger.warn({ part: name, ms: Math.round(ms) }, 'a part did not stop in time')
    } catch (error) {
      logger.warn({ err: error, part: name }, 'a part failed to stop')
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** Whether the work ended in time. If not, its later result or failure is ignored. */
export async function endsWithin(ms: number, work: Promise<unknown> | undefined): Promise<boolean> {
  if (work === undefined) return true
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {})
  }
}
