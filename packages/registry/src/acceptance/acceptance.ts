import { randomUUID } from 'node:crypto'
import type { RegistryContext } from '../context.ts'
import { type ClaimedCheck, claimCheck, releaseCheck, renewLease } from './claim-check.ts'
import { giveUpCheck, runCheck } from './run-check.ts'

/** The loop that makes checks: woken by notifications, and by a timer for what was left by a process that died. */
export interface Acceptance {
  start(): Promise<void>
  /** Stops the checks that run here; another process, or the next start, begins them again. */
  stop(): Promise<void>
}

export function createAcceptance(context: RegistryContext): Acceptance {
  const { config, logger } = context
  const leaseOwner = randomUUID()
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  let filling: Promise<void> | undefined
  let again = false
  let unlisten: (() => Promise<void>) | undefined
  let timer: NodeJS.Timeout | undefined

  const fill = async () => {
    do {
      again = false
      while (running.size < config.checkConcurrency && !stopping.signal.aborted) {
        const check = await claimCheck(context, leaseOwner)
        if (!check) break
        const run = hold(check).finally(() => {
          running.delete(run)
          wake()
        })
        running.add(run)
      }
    } while (again)
  }

  const wake = () => {
    if (stopping.signal.aborted) return
    again = true
    filling ??= fill()
      .catch((error: unknown) => logger.warn({ err: error }, 'waiting checks could not be taken'))
      .finally(() => {
        filling = undefined
        if (again) wake()
      })
  }

  /** Runs one check under its lease. */
  const hold = async (check: ClaimedCheck): Promise<void> => {
    const lost = new AbortController()
    const renewing = setInterval(
      () =>
        void renewLease(context, check).then(
          (held) => held || lost.abort(),
          (error: unknown) => logger.warn({ err: error, check: check.id }, 'a lease was not renewed'),
        ),
      (config.checkLeaseSeconds * 1000) / 3,
    )
    // A check that does not heed the stop is left behind, and its lease must run out.
    stopping.signal.addEventListener('abort', () => clearInterval(renewing), { once: true })
    try {
      if (check.tries > config.checkTries) await giveUpCheck(context, check)
      else await runCheck(context, check, AbortSignal.any([stopping.signal, lost.signal]))
    } catch (error) {
      if (stopping.signal.aborted) {
        await releaseCheck(context, check).catch(() => undefined)
      } else if (!lost.signal.aborted) {
        // The store or the database failed: the lease runs out, which is the pause before the next try.
        logger.error({ err: error, check: check.id, try: check.tries }, 'a check broke off')
      }
    } finally {
      clearInterval(renewing)
    }
  }

  return {
    async start() {
      unlisten = await context.database.listen('check_queue', wake)
      timer = setInterval(wake, config.pollMs)
      wake()
    },
    async stop() {
      stopping.abort()
      clearInterval(timer)
      await unlisten?.()
      await filling
      await Promise.all(running)
    },
  }
}
