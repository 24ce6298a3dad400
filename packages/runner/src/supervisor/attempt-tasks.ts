import type { Logger } from '@trainyard/platform'
import { keyOf } from '../jobs/read-attempts.ts'
import type { AttemptRef } from '../launchers/launcher.ts'

/** Work that runs beside the supervisor's loop. Tasks of one attempt run one after the other. */
export class AttemptTasks {
  readonly #logger: Logger
  readonly #onDone: () => void
  readonly #running = new Map<string, Promise<void>>()

  constructor(logger: Logger, onDone: () => void) {
    this.#logger = logger
    this.#onDone = onDone
  }

  has(ref: AttemptRef): boolean {
    return this.#running.has(keyOf(ref))
  }

  keys(): string[] {
    return [...this.#running.keys()]
  }

  /** Resolves when the work has ended, also when it failed. */
  async start(ref: AttemptRef, work: () => Promise<void>): Promise<void> {
    const key = keyOf(ref)
    const done = (this.#running.get(key) ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) => this.#logger.error({ err: error, ...ref }, 'supervising an attempt failed'))
      .finally(() => {
        if (this.#running.get(key) === done) this.#running.delete(key)
        this.#onDone()
      })
    this.#running.set(key, done)
    await done
  }

  /** Resolves when the tasks that run now have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }
}
