import { setTimeout as sleep } from 'node:timers/promises'
import type { RegistryContext } from '../context.ts'

export interface QueueLoopOptions {
  /** The notification that wakes the loop. */
  queue: string
  /** The longest time between two passes: some work falls due without a notification. */
  pauseMs: number
  /** Does what is due, and handles its own errors. The end of what it leaves running ends the pause, too. */
  pass: (signal: AbortSignal) => Promise<readonly Promise<unknown>[]>
}

/** Does the work of a queue in the background, in any number of processes. */
export class QueueLoop {
  readonly #database: RegistryContext['database']
  readonly #options: QueueLoopOptions
  readonly #stopping = new AbortController()
  #woken = Promise.withResolvers<void>()
  #unlisten: (() => Promise<void>) | undefined
  #loop: Promise<void> | undefined

  constructor(database: RegistryContext['database'], options: QueueLoopOptions) {
    this.#database = database
    this.#options = options
  }

  async start(): Promise<void> {
    this.#unlisten ??= await this.#database.listen(this.#options.queue, () => this.#woken.resolve())
    this.#loop ??= this.#run()
  }

  /** Waits for the pass that is running. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#woken.resolve()
    await this.#unlisten?.()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers<void>()
      const running = await this.#options.pass(signal)
      const pause = new AbortController()
      const timer = sleep(this.#options.pauseMs, undefined, { signal: pause.signal }).catch(() => undefined)
      await Promise.race([timer, this.#woken.promise, ...running])
      pause.abort()
    }
  }
}
