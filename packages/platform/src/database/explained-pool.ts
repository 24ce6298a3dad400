import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'
import { DatabaseUnavailable } from '../errors.ts'
import { errorCode } from '../system/describe-error.ts'
import type { ServerWatch } from './server-watch.ts'

/** Codes of Node for connections that cannot be opened or are lost. */
const NETWORK_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

/**
 * SQLSTATEs of a server that accepts no work now: lost connections (08, but for 08P01, a statement that is too large),
 * insufficient resources (53), and a server that shuts down, has crashed, or is starting (57P01 to 57P03).
 */
const UNAVAILABLE_STATES = /^(08(?!P01)|53)...$|^57P0[1-3]$/

/** `pg` reports these without a code. */
const LOST_CONNECTION =
  /^Connection terminated|^timeout expired$|^Query read timeout$|^timeout exceeded when trying to connect|^Client (has encountered a connection error|was closed) and is not queryable/

/** Whether the database did not answer, so that the same request can succeed later. */
function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.some(isUnavailable)
  const code = errorCode(error)
  if (code === undefined) return LOST_CONNECTION.test(error.message)
  return NETWORK_CODES.has(code) || UNAVAILABLE_STATES.test(code)
}

/** Replaces the error of a database that does not answer with {@link DatabaseUnavailable}. */
export async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw isUnavailable(error) ? new DatabaseUnavailable(error) : error
  }
}

/** A pool for Kysely whose connections throw {@link DatabaseUnavailable}. */
export function explainedPool(pool: pg.Pool, watch: ServerWatch): PostgresPool {
  // Kysely keeps what belongs to a connection by its object.
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  return {
    options: pool.options,
    async connect() {
      const client = await acquireClient(pool, watch)
      const known = clients.get(client) ?? explainedClient(client, watch)
      clients.set(client, known)
      return known
    },
    end: () => pool.end(),
  }
}

/** Takes a connection of the pool. Throws {@link DatabaseUnavailable}. */
export async function acquireClient(pool: pg.Pool, watch: ServerWatch): Promise<pg.PoolClient> {
  watch.requireAnswers()
  const given = Promise.withResolvers<pg.PoolClient>()
  let isGivenUp = false
  pool.connect().then((client) => {
    if (isGivenUp) client.release()
    else given.resolve(client)
  }, given.reject)
  const giveUp = () => {
    isGivenUp = true
    given.reject(new DatabaseUnavailable(new Error('PostgreSQL holds its connections and answers nothing')))
  }
  return await explained(watch.watch(given.promise, giveUp))
}

/** Runs a statement on a connection. Throws {@link DatabaseUnavailable}; the pool then drops the connection. */
export async function runStatement<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  watch: ServerWatch,
  statement: pg.QueryConfig,
): Promise<pg.QueryResult<Row>> {
  // With a statement under way, this ends the connection without asking the server.
  const cut = () => void client.end().catch(() => undefined)
  return await explained(watch.watch(client.query<Row>(statement), cut))
}

function explainedClient(client: pg.PoolClient, watch: ServerWatch): PostgresPoolClient {
  const query = <Row>(text: string, values: readonly unknown[]) =>
    runStatement(client, watch, { text, values: [...values] }) as unknown as Promise<PostgresQueryResult<Row>>
  // No cursors: nothing here reads a result as a stream.
  return { query: query as PostgresPoolClient['query'], release: (destroy) => client.release(destroy) }
}
