import { randomUUID } from 'node:crypto'
import type { RegistryContext } from '../context.ts'
import type { PartKind } from '../db/schema/version-parts.ts'
import { type ClaimedCheck, claimCheck, releaseCheck, renewLease } from './claim-check.ts'
import { removeAbandonedRuns } from './image-run.ts'
import { giveUpCheck, runCheck } from './run-check.ts'

/**
 * Runs queued checks. Notifications wake it; a timer picks up what was missed, and checks of processes that died. Each
 * check runs under a lease that is renewed three times per lease period.
 */
export class Acceptance {
  readonly #context: RegistryContext
  readonly #leaseOwner = randomUUID()
  readonly #stopping = new AbortController()
  readonly #running = new Map<Promise<void>, PartKind>()
  #filling: Promise<void> | undefined
  #fillAgain = false
  #unlisten: (() => Promise<void>) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(context: RegistryContext) {
    this.#context = context
  }

  async start(): Promise<void> {
    const { database, config } = this.#context
    this.#unlisten = await database.listen('check_queue', () => this.#wake())
    this.#timer = setInterval(() => this.#wake(), config.pollMs)
    this.#wake()
    void removeAbandonedRuns(this.#context).catch((error: unknown) =>
      this.#context.logger.warn({ err: error }, 'runs of images that were interrupted could not be cleaned up'),
    )
  }

  /** Stops the checks that run in this process. Another process, or the next start, runs them again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#timer)
    await this.#unlisten?.()
    await this.#filling
    await Promise.all(this.#running.keys())
  }

  #wake(): void {
    if (this.#stopping.signal.aborted) return
    this.#fillAgain = true
    this.#filling ??= this.#fill()
      .catch((error: unknown) => this.#context.logger.warn({ err: error }, 'waiting checks could not be claimed'))
      .finally(() => {
        this.#filling = undefined
        if (this.#fillAgain) this.#wake()
      })
  }

  /** Claims checks until the limit of concurrent checks is reached or none is waiting. */
  async #fill(): Promise<void> {
    do {
      this.#fillAgain = false
      while (this.#running.size < this.#context.config.checkConcurrency && !this.#stopping.signal.aborted) {
        const check = await claimCheck(this.#context, this.#leaseOwner, this.#kinds())
        if (!check) break
        const run = this.#runUnderLease(check).finally(() => {
          this.#running.delete(run)
          this.#wake()
        })
        this.#running.set(run, check.kind)
      }
    } while (this.#fillAgain)
  }

  /** Runs of images take minutes. Beyond their limit, this process takes only bundles, whose turn would never come otherwise. */
  #kinds(): PartKind[] {
    const images = [...this.#running.values()].filter((kind) => kind === 'image').length
    return images < (this.#context.config.imageRuns?.max ?? Number.POSITIVE_INFINITY) ? ['bundle', 'image'] : ['bundle']
  }

  async #runUnderLease(check: ClaimedCheck): Promise<void> {
    const { config, logger } = this.#context
    const stopping = this.#stopping.signal
    const lost = new AbortController()
    const renew = async () => {
      if (!(await renewLease(this.#context, check))) lost.abort()
    }
    const renewing = setInterval(
      () =>
        void renew().catch((error: unknown) =>
          logger.warn({ err: error, check: check.id }, 'the lease of a check could not be renewed'),
        ),
      (config.checkLeaseSeconds * 1000) / 3,
    )
    // A check that ignores the stop is abandoned. Its lease must expire so that another process can take over.
    stopping.addEventListener('abort', () => clearInterval(renewing), { once: true })
    try {
      if (check.tries > config.checkTries) await giveUpCheck(this.#context, check)
      else await runCheck(this.#context, check, AbortSignal.any([stopping, lost.signal]))
    } catch (error) {
      if (stopping.aborted) {
        await releaseCheck(this.#context, check).catch(() => undefined)
      } else if (!lost.signal.aborted) {
        // The store or the database failed. The check is retried when the lease has expired.
        logger.error({ err: error, check: check.id, try: check.tries }, 'a check was interrupted')
      }
    } finally {
      clearInterval(renewing)
    }
  }
}
