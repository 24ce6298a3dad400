import pg from 'pg'
import type { Logger } from '../log.ts'

export interface ListenChannelOptions {
  /** Called after a lost connection is restored. Notifications in between are lost: read again what they announce. */
  onReconnect?: (() => void) | undefined
}

interface Subscription {
  channel: string
  handler: (payload: string) => void
  onReconnect: (() => void) | undefined
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5000
/** A server that leaves a LISTEN without an answer for this long is frozen, or its connection is dead. */
const ANSWER_MS = 10_000

/** LISTEN for many channels on one separate connection, which is opened at first use and restored when it is lost. */
export class Listener {
  readonly #url: string
  readonly #logger: Logger | undefined
  readonly #subscriptions = new Set<Subscription>()
  #connection: Promise<pg.Client> | undefined
  #closed = false
  #retry: NodeJS.Timeout | undefined

  constructor(url: string, logger: Logger | undefined) {
    this.#url = url
    this.#logger = logger
  }

  async listen(
    channel: string,
    handler: (payload: string) => void,
    { onReconnect }: ListenChannelOptions = {},
  ): Promise<() => Promise<void>> {
    if (this.#closed) throw new Error('The database is closed')
    const subscription: Subscription = { channel, handler, onReconnect }
    this.#subscriptions.add(subscription)
    try {
      this.#connection ??= this.#connect()
      const client = await this.#connection
      await listenOn(client, channel)
    } catch (error) {
      this.#subscriptions.delete(subscription)
      throw error
    }
    return async () => {
      if (!this.#subscriptions.delete(subscription)) return
      const others = [...this.#subscriptions].some((other) => other.channel === channel)
      if (others || this.#closed) return
      const client = await this.#connection?.catch(() => undefined)
      await client?.query(`unlisten ${pg.escapeIdentifier(channel)}`).catch(() => undefined)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#subscriptions.clear()
    const client = await this.#connection?.catch(() => undefined)
    await client?.end().catch(() => undefined)
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      keepAlive: true,
      connectionTimeoutMillis: 15_000,
      query_timeout: ANSWER_MS,
      application_name: 'trainyard-listen',
    })
    let lost = false
    const onLost = (error?: Error) => {
      if (lost) return
      lost = true
      client.end().catch(() => undefined)
      this.#connection = undefined
      if (this.#closed) return
      this.#logger?.warn({ err: error }, 'the connection that listens to PostgreSQL was lost; reconnecting')
      this.#reconnect(FIRST_RETRY_MS)
    }
    client.on('error', onLost)
    client.on('notification', ({ channel, payload = '' }) => this.#dispatch(channel, payload))
    try {
      await client.connect()
    } catch (error) {
      lost = true
      this.#connection = undefined
      throw error
    }
    client.on('end', () => onLost())
    return client
  }

  #reconnect(delayMs: number): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#resume().catch(() => this.#reconnect(Math.min(delayMs * 2, LAST_RETRY_MS)))
    }, delayMs)
    this.#retry.unref()
  }

  async #resume(): Promise<void> {
    if (this.#closed || this.#subscriptions.size === 0) return
    this.#connection ??= this.#connect()
    const client = await this.#connection
    for (const channel of new Set([...this.#subscriptions].map((subscription) => subscription.channel))) {
      await listenOn(client, channel)
    }
    for (const { onReconnect } of this.#subscriptions) this.#guard(() => onReconnect?.())
  }

  #dispatch(channel: string, payload: string): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.channel === channel) this.#guard(() => subscription.handler(payload))
    }
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#logger?.error({ err: error }, 'the handler of a notification failed')
    }
  }
}

/** Ends a connection that gives no answer: what follows on it would wait, too. */
async function listenOn(client: pg.Client, channel: string): Promise<void> {
  try {
    await client.query(`listen ${pg.escapeIdentifier(channel)}`)
  } catch (error) {
    if (error instanceof Error && error.message === 'Query read timeout') client.end().catch(() => undefined)
    throw error
  }
}
