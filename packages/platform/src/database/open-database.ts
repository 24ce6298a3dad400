import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import type { Migration } from 'kysely/migration'
import pg from 'pg'
import { hidePassword } from '../config.ts'
import { ConfigError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type ListenChannelOptions, Listener } from './listener.ts'
import { migrate, searchPath } from './migrate.ts'
import { postgresTypes } from './postgres-types.ts'

export type { Migration } from 'kysely/migration'

export interface OpenDatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** The PostgreSQL schema that holds the tables: lower-case letters, digits and `_`. Made where it is absent. */
  schema: string
  /** By name. Each runs once, in the order of their names. */
  migrations: Readonly<Record<string, Migration>>
  /** Connections at most. Default: 10. */
  poolSize?: number | undefined
  /** After this long a statement is cancelled. Default: 60 000. Migrations have no limit. */
  statementTimeoutMs?: number | undefined
  logger?: Logger | undefined
}

export interface Database<DB> {
  readonly db: Kysely<DB>
  readonly schema: string
  /**
   * Runs one statement that PostgreSQL parses and plans once a connection instead of every time: for hot paths.
   * The same `name` must always have the same `text`.
   */
  query<Row>(statement: { name: string; text: string }, values: readonly unknown[]): Promise<Row[]>
  transaction<T>(work: (trx: Transaction<DB>) => Promise<T>): Promise<T>
  /**
   * Wakes the listeners of a channel in every process. Given a transaction, they hear it when that commits.
   * Payloads are limited to 7,999 bytes by PostgreSQL: send an id, not the thing.
   */
  notify(channel: string, payload: string, trx?: Transaction<DB>): Promise<void>
  /** Resolves when the channel is open; call what it resolves to in order to stop. Lost connections come back. */
  listen(
    channel: string,
    handler: (payload: string) => void,
    options?: ListenChannelOptions,
  ): Promise<() => Promise<void>>
  /** Connections there are, those of them that are free, and requests that wait for one. */
  pool(): { total: number; idle: number; waiting: number }
  /** Throws when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** PostgreSQL refuses payloads of 8,000 bytes and more. */
const MAX_PAYLOAD_BYTES = 7999

/**
 * Opens a pool on one schema of a PostgreSQL, after bringing the schema up to date.
 *
 * @throws ConfigError when the database cannot be reached or does not let us in
 */
export async function openDatabase<DB>(options: OpenDatabaseOptions): Promise<Database<DB>> {
  const { url, schema, migrations, poolSize = 10, statementTimeoutMs = 60_000, logger } = options
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema)) {
    throw new ConfigError(`"${schema}" cannot name a schema: use at most 40 lower-case letters, digits and "_"`)
  }
  await migrate({ url, schema, migrations }).catch((error: unknown) => {
    throw explain(error, url)
  })
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    options: searchPath(schema),
    types: postgresTypes,
    application_name: `trainyard-${schema}`,
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
  })
  // Without a listener, an idle connection that the server closes would end the process.
  pool.on('error', (error) => logger?.warn({ err: error }, 'an idle connection to PostgreSQL was lost'))
  // So would one in the hands of a transaction that is between two statements: its next statement says what happened.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
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
      const { rows } = await pool.query({ ...statement, values: [...values] })
      return rows as Row[]
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
    listen: async (channel, handler, listenOptions) =>
      await listener.listen(fullChannel(channel), handler, listenOptions),
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async ping() {
      await sql`select 1`.execute(db)
    },
    close() {
      closing ??= Promise.all([listener.close(), db.destroy()]).then(() => undefined)
      return closing
    },
  }
}

/** Connection failures become settings to look at; a failed migration stays what it is. */
function explain(error: unknown, url: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
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
    return new ConfigError(
      `The user of ${shown} may not create what is needed; grant it CREATE on the database`,
      options,
    )
  }
  return error
}
