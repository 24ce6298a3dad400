import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { DatabaseUnavailable } from '../errors.ts'
import { freezePostgres } from '../testing/freeze-postgres.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded/start-embedded-postgres.ts'
import { type Database, openDatabase } from './open-database.ts'

const PATIENCE_MS = 400

describe.runIf(process.platform === 'linux')('a database whose server is frozen', () => {
  let dataDir: string
  let postgres: EmbeddedPostgres
  let database: Database<unknown>
  let frozen: { thaw(): void } | undefined
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'trainyard-frozen-test-'))
    postgres = await startEmbeddedPostgres({ dataDir })
    const { url } = postgres
    database = await openDatabase({ url, schema: 'frozen', migrations: {}, poolSize: 3, patienceMs: PATIENCE_MS })
  })
  afterEach(() => {
    frozen?.thaw()
    frozen = undefined
  })
  afterAll(async () => {
    await database.close()
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const answers = () => sql`select 1`.execute(database.db)
  const count = async () => {
    const text = sql<{
      n: number
    }>`select count(*)::int as n from pg_stat_activity where application_name like 'trainyard-%'`
    return (await text.execute(database.db)).rows[0]?.n ?? 0
  }

  it('fails its pings in time, over one connection, and answers again once it is thawed', async () => {
    await answers()
    frozen = await freezePostgres(dataDir)
    const startedMs = performance.now()
    const pings = await Promise.allSettled(Array.from({ length: 50 }, () => database.ping()))
    expect(performance.now() - startedMs).toBeLessThan(PATIENCE_MS + 5000)
    for (const ping of pings)
      expect(ping).toMatchObject({ status: 'rejected', reason: expect.any(DatabaseUnavailable) })
    frozen.thaw()
    await vi.waitFor(() => database.ping(), { timeout: 20_000 })
    // The pool's, and at most one of a ping that has just ended.
    expect(await count()).toBeLessThanOrEqual(3 + 1)
  })

  it('fails statements of every kind, those in transactions and those that wait for a connection, and then at once', async () => {
    let began: (() => void) | undefined
    const hasBegun = new Promise<void>((resolve) => {
      began = resolve
    })
    const gate = Promise.withResolvers<void>()
    const transaction = database.transaction(async (trx) => {
      await sql`select 1`.execute(trx)
      began?.()
      await gate.promise
      await sql`select 2`.execute(trx)
    })
    await hasBegun
    frozen = await freezePostgres(dataDir)
    gate.resolve()
    const work = [
      transaction,
      database.query({ name: 'one', text: 'select 1' }, []),
      ...Array.from({ length: 10 }, answers),
      database.notify('jobs', 'x'),
    ]
    for (const outcome of await Promise.allSettled(work))
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(DatabaseUnavailable) })
    // Known to be frozen: what comes now waits for nothing, and opens no connection.
    const before = database.pool()
    await expect(answers()).rejects.toThrow(DatabaseUnavailable)
    await expect(database.ping()).rejects.toThrow(DatabaseUnavailable)
    await expect(database.listen('jobs', () => undefined)).rejects.toThrow(DatabaseUnavailable)
    expect(database.pool()).toEqual(before)

    frozen.thaw()
    await vi.waitFor(answers, { timeout: 20_000 })
    await database.transaction((trx) => sql`select 1`.execute(trx))
    expect(await database.query({ name: 'one', text: 'select 1 as n' }, [])).toHaveLength(1)
  })

  it('does not give up a slow statement of a server that answers others', async () => {
    const slow = sql`select pg_sleep(${(PATIENCE_MS * 4) / 1000})`.execute(database.db)
    await expect(slow).resolves.toBeDefined()
  })

  it('gives up a statement whose one connection is dead', async () => {
    const url = postgres.url
    const other = await openDatabase({
      url,
      schema: 'half_frozen',
      migrations: {},
      poolSize: 1,
      patienceMs: PATIENCE_MS,
      statementTimeoutMs: PATIENCE_MS,
    })
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(other.db)
    const pid = rows[0]?.pid ?? 0
    process.kill(pid, 'SIGSTOP')
    try {
      await expect(sql`select 1`.execute(other.db)).rejects.toThrow(DatabaseUnavailable)
      await sql`select 1`.execute(other.db)
    } finally {
      process.kill(pid, 'SIGCONT')
      await other.close()
    }
  })
})
