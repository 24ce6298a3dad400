import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import type { Migration } from 'kysely/migration'
import pg from 'pg'
import { hidePassword } from '../config.ts'
import { ConfigError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { errorCode } from '../system/describe-error.ts'
import { acquireClient, explained, explainedPool, runStatement } from './explained-pool.ts'
import { type ListenChannelOptions, Listener } from './listener.ts'
import { migrate, searchPath } from './migrate.ts'
import { postgresTypes } from './postgres-types.ts'
import { ServerWatch } from './server-watch.ts'

export type { Migration } from 'kysely/migration'

export interface OpenDatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** The PostgreSQL schema of the tables: lower-case letters, digits and `_`. Created when it does not exist. */
  schema: string
  /** By name. Each runs once, in the order of their names. */
  migrations: Readonly<Record<string, Migration>>
  /** Maximum number of connections. Default: 10. */
  poolSize?: number | undefined
  /** A statement that takes longer is cancelled. Default: 60 000. Migrations have no limit. */
  statementTimeoutMs?: number | undefined
  /**
   * A server that leaves a statement without an answer for this long is asked whether it lives; without an answer to that for
   * as long again, it counts as frozen. Also the limit of `ping()`. Default: 3000.
   */
  patienceMs?: number | undefined
  logger?: Logger | undefined
}

/** Every method throws `DatabaseUnavailable` while the server does not answer. Connections are restored when it does. */
export interface Database<DB> {
  readonly db: Kysely<DB>
  readonly schema: string
  /**
   * Runs a prepared statement, which PostgreSQL parses and plans once per connection: for hot paths. The same `name` must
   * always have the same `text`.
   */
  query<Row>(statement: { name: string; text: string }, values: readonly unknown[]): Promise<Row[]>
  transaction<T>(work: (trx: Transaction<DB>) => Promise<T>): Promise<T>
  /**
   * Notifies the listeners of a channel in every process; with a transaction, which may be one of another schema, when it
   * commits. PostgreSQL limits a payload to 7,999 bytes: send an id, not the data.
   */
  notify(channel: string, payload: string, trx?: Kysely<DB>): Promise<void>
  /** Resolves with a function that stops listening. A lost connection is restored. */
  listen(
    channel: string,
    handler: (payload: string) => void,
    options?: ListenChannelOptions,
  ): Promise<() => Promise<void>>
  /** The number of connections, of idle ones, and of requests that wait for one. */
  pool(): { total: number; idle: number; waiting: number }
  /** Asks the server over a new connection. Throws when it does not answer within `patienceMs`. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** PostgreSQL refuses payloads of 8,000 bytes and more. */
const MAX_PAYLOAD_BYTES = 7999
const CLOSE_MS = 5000

/**
 * Runs the migrations of a schema, and opens a pool of connections to it.
 *
 * @throws ConfigError when the database cannot be reached or refuses the connection
 */
export async function openDatabase<DB>(options: OpenDatabaseOptions): Promise<Database<DB>> {
  const { url, schema, migrations, poolSize = 10, statementTimeoutMs = 60_000, patienceMs = 3000, logger } = options
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema)) {
    throw new ConfigError(
      `"${schema}" is not a valid name of a schema: use at most 40 lower-case letters, digits and "_"`,
    )
  }
  await migrate({ url, schema, migrations }).catch((error: unknown) => {
    throw explain(error, url)
  })
  const applicationName = `trainyard-${schema}`
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    options: searchPath(schema),
    types: postgresTypes,
    application_name: applicationName,
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
  })
  // Without a handler, an idle connection that the server closes would end the process.
  pool.on('error', (error) => logger?.warn({ err: error }, 'an idle connection to PostgreSQL was lost'))
  // So would a connection between two statements of a transaction. Its next statement throws.
  pool.on('connect', (client) => client.on('error', () => {}))
  // The server itself cancels a statement at its limit. One that does not is frozen, or cannot be reached.
  const maxStatementMs = statementTimeoutMs + 3 * patienceMs
  const watch = new ServerWatch({ url, applicationName, patienceMs, maxStatementMs, logger })
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool: explainedPool(pool, watch) }) })
  const listener = new Listener(url, logger)
  const fullChannel = (channel: string) => {
    const name = `${schema}:${channel}`
    if (Buffer.byteLength(name) > 63) throw new RangeError(`The channel "${name}" is longer than 63 bytes`)
    return name
  }
  let closing: Promise<void> | undefined
  return {
    db,
    schema,
    async query<Row>(statement: { name: string; text: string }, values: readonly unknown[]) {
      const client = await acquireClient(pool, watch)
      try {
        const { rows } = await runStatement(client, watch, { ...statement, values: [...values] })
        return rows as Row[]
      } finally {
        client.release()
      }
    },
    transaction: (work) => db.transaction().execute(work),
    async notify(channel, payload, trx) {
      const bytes = Buffer.byteLength(payload)
      if (bytes > MAX_PAYLOAD_BYTES) {
        throw new RangeError(
          `A notification on "${channel}" has ${bytes} bytes; PostgreSQL takes at most ${MAX_PAYLOAD_BYTES}. Send an id instead`,
        )
      }
      await sql`select pg_notify(${fullChannel(channel)}, ${payload})`.execute(trx ?? db)
    },
    async listen(channel, handler, listenOptions) {
      watch.requireAnswers()
      return await explained(listener.listen(fullChannel(channel), handler, listenOptions))
    },
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    ping: () => watch.ping(),
    close() {
      watch.close()
      closing ??= Promise.race([
        Promise.all([listener.close(), db.destroy()]).then(() => undefined),
        // A frozen server never closes the connections that this end has closed.
        sleep(CLOSE_MS, undefined, { ref: false }),
      ])
      return closing
    },
  }
}

/** Explains a failed connection by the setting to correct. Returns other errors unchanged, for example of a migration. */
function explain(error: unknown, url: string): unknown {
  const code = errorCode(error) ?? ''
  const shown = hidePassword(url)
  const options = { cause: error }
  if (['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'EAI_AGAIN', 'ECONNRESET'].includes(code)) {
    return new ConfigError(`No PostgreSQL answers at ${shown} (${code}); start it, or correct DATABASE_URL`, options)
  }
  if (code === '28P01' || code === '28000') {
    return new ConfigError(`PostgreSQL at ${shown} refuses this user or password; correct DATABASE_URL`, options)
  }
  if (code === '3D000') {
    return new ConfigError(`PostgreSQL at ${shown} has no such database; create it, or correct DATABASE_URL`, options)
  }
  if (code === '42501') {
    return new ConfigError(`The user of ${shown} lacks permissions; grant it CREATE on the database`, options)
  }
  return error
}
