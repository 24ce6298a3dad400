import { EventEmitter } from 'node:events'
import type { Kysely } from 'kysely'
import type { Logger } from '../../log.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'

const CHANNEL = 'access'

/**
 * Tells every process, when the transaction commits, that a token, session or membership has ended or changed. Requests read
 * their caller from the database each time and need no notification; connections that stay open do.
 */
export async function notifyAccessChange({ database }: IdentityStore, trx: Kysely<IdentityDatabase>): Promise<void> {
  await database.notify(CHANNEL, '', trx)
}

/** Calls handlers when access has changed, in any process. It listens from the first handler on. */
export class AccessChanges {
  readonly #store: IdentityStore
  readonly #logger: Logger | undefined
  readonly #changes = new EventEmitter<{ change: [] }>()
  #listening: Promise<() => Promise<void>> | undefined

  constructor(store: IdentityStore, logger: Logger | undefined) {
    this.#store = store
    this.#logger = logger
    // Each open connection adds a handler, so there is no limit.
    this.#changes.setMaxListeners(0)
  }

  /** Returns a function that removes the handler. */
  watch(handler: () => void): () => void {
    this.#changes.on('change', handler)
    // What changes before the process listens is not missed either: the handler is called once it does.
    this.#listening ??= this.#listen()
    return () => this.#changes.off('change', handler)
  }

  async close(): Promise<void> {
    const stop = await this.#listening
    await stop?.()
  }

  async #listen(): Promise<() => Promise<void>> {
    try {
      const stop = await this.#store.database.listen(CHANNEL, () => this.#changes.emit('change'))
      this.#changes.emit('change')
      return stop
    } catch (error) {
      this.#logger?.warn({ err: error }, 'could not listen for changes of access; connections check it less often')
      this.#listening = undefined
      return async () => {}
    }
  }
}
