import type { RegistryContext } from '../context.ts'
import { WEBHOOK_QUEUE } from '../events/queue-event.ts'
import { QueueLoop } from '../events/queue-loop.ts'
import { claimDelivery } from './claim-delivery.ts'
import { recordTry } from './record-try.ts'
import { sendDelivery } from './send-delivery.ts'

/** Namespaces that one process sends for at the same time. */
const CONCURRENCY = 16

/** Sends queued events in the background, in any number of processes. */
export class WebhookSender {
  readonly #context: RegistryContext
  /** One of each namespace at a time, so that a slow address delays its own namespace only. */
  readonly #busy = new Map<string, Promise<void>>()
  readonly #loop: QueueLoop

  constructor(context: RegistryContext) {
    this.#context = context
    const pass = (signal: AbortSignal) => this.#pass(signal)
    this.#loop = new QueueLoop(context.database, { queue: WEBHOOK_QUEUE, pauseMs: context.config.pollMs, pass })
  }

  async start(): Promise<void> {
    await this.#loop.start()
  }

  /** Waits for what is being sent, which ends within its time limit. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    await Promise.all(this.#busy.values())
  }

  async #pass(signal: AbortSignal): Promise<Promise<void>[]> {
    const { logger } = this.#context
    const busy = this.#busy
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
    return [...busy.values()]
  }
}
