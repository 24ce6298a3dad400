import { setTimeout as sleep } from 'node:timers/promises'
import type { RegistryContext } from '../context.ts'
import { WEBHOOK_QUEUE } from '../events/queue-event.ts'
import { claimDelivery } from './claim-delivery.ts'
import { recordTry } from './record-try.ts'
import { sendDelivery } from './send-delivery.ts'

/** Namespaces that one process sends for at the same time. */
const CONCURRENCY = 16

/** Sends queued events in the background, in any number of processes. */
export class WebhookSender {
  readonly #context: RegistryContext
  readonly #stopping = new AbortController()
  #woken = Promise.withResolvers<void>()
  #unlisten: (() => Promise<void>) | undefined
  #loop: Promise<void> | undefined

  constructor(context: RegistryContext) {
    this.#context = context
  }

  async start(): Promise<void> {
    this.#unlisten ??= await this.#context.database.listen(WEBHOOK_QUEUE, () => this.#woken.resolve())
    this.#loop ??= this.#run()
  }

  /** Waits for what is being sent, which ends within its time limit. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#woken.resolve()
    await this.#unlisten?.()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { config, logger } = this.#context
    const { signal } = this.#stopping
    // One of each namespace at a time, so that a slow address delays its own namespace only.
    const busy = new Map<string, Promise<void>>()
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers<void>()
      try {
        while (busy.size < CONCURRENCY && !signal.aborted) {
          const claimed = await claimDelivery(this.#context, [...busy.keys()])
          if (claimed === undefined) break
          const sent = sendDelivery(this.#context, claimed)
            .then((lastTry) => recordTry(this.#context, claimed, lastTry))
            .catch((error: unknown) => logger.warn({ err: error }, 'the delivery of a webhook could not be recorded'))
            .finally(() => busy.delete(claimed.namespace))
          busy.set(claimed.namespace, sent)
        }
      } catch (error) {
        logger.warn({ err: error }, 'waiting deliveries of webhooks could not be claimed')
      }
      const pause = new AbortController()
      // Retries fall due without a notification.
      const timer = sleep(config.pollMs, undefined, { signal: pause.signal }).catch(() => undefined)
      await Promise.race([timer, this.#woken.promise, ...busy.values()])
      pause.abort()
    }
    await Promise.all(busy.values())
  }
}
