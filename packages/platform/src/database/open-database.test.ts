import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createTestDatabase, testDatabaseUrl } from '../testing/create-test-database.ts'
import { type Migration, openDatabase } from './open-database.ts'

interface Tables {
  things: { id: number; name: string }
}

const migrations: Record<string, Migration> = {
  '001-things': {
    async up(db) {
      await db.schema
        .createTable('things')
        .addColumn('id', 'bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .execute()
    },
  },
}

describe('a database', () => {
  const opened: { drop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.drop()
  })
  async function open(all: Record<string, Migration> = migrations) {
    const database = await createTestDatabase<Tables>({ migrations: all })
    opened.push(database)
    return database
  }
  const reopen = (schema: string, more: Record<string, Migration> = migrations) =>
    openDatabase<Tables>({ url: testDatabaseUrl(), schema, migrations: more, poolSize: 2 })

  it('reads bigint and counts as numbers', async () => {
    const { db } = await open()
    await db
      .insertInto('things')
      .values({ id: 2 ** 52, name: 'large' })
      .execute()
    const { count } = await db
      .selectFrom('things')
      .select((select) => select.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    expect(count).toBe(1)
    expect((await db.selectFrom('things').select('id').executeTakeFirstOrThrow()).id).toBe(2 ** 52)
  })

  it('runs each migration once when replicas start together, and later ones in any order', async () => {
    const schema = `test_${randomBytes(6).toString('hex')}`
    const runs: string[] = []
    const counted = (name: string): Migration => ({
      up: async (db) => {
        runs.push(name)
        await db.schema.createTable(name).addColumn('id', 'integer').execute()
      },
    })
    const replicas = await Promise.all([1, 2, 3].map(() => reopen(schema, { '010-b': counted('b') })))
    expect(runs).toEqual(['b'])
    const later = await reopen(schema, { '005-a': counted('a'), '010-b': counted('b') })
    expect(runs).toEqual(['b', 'a'])
    await sql`drop schema ${sql.id(schema)} cascade`.execute(later.db)
    for (const database of [...replicas, later]) await database.close()
  })

  it('an older program starts after a newer one has migrated, and the newer one starts again', async () => {
    const added: Migration = {
      up: async (db) => await db.schema.createTable('added').addColumn('id', 'integer').execute(),
    }
    const { schema, db } = await open({ ...migrations, '002-added': added })
    await db.insertInto('things').values({ id: 1, name: 'kept' }).execute()
    const older = await reopen(schema)
    expect(await older.db.selectFrom('things').select('name').execute()).toEqual([{ name: 'kept' }])
    await older.close()
    const newer = await reopen(schema, { ...migrations, '002-added': added })
    expect((await newer.db.selectFrom('things').select('name').execute()).length).toBe(1)
    await newer.close()
  })

  it('names a migration that fails, and rolls it back', async () => {
    const schema = `test_${randomBytes(6).toString('hex')}`
    const broken: Migration = {
      up: async (db) => {
        await db.schema.createTable('half').addColumn('id', 'integer').execute()
        throw new Error('no')
      },
    }
    await expect(reopen(schema, { '001-broken': broken })).rejects.toThrow('001-broken')
    const database = await reopen(schema, {})
    const half = sql<{ name: string | null }>`select to_regclass(${`${schema}.half`})::text as name`
    expect((await half.execute(database.db)).rows).toEqual([{ name: null }])
    await sql`drop schema ${sql.id(schema)} cascade`.execute(database.db)
    await database.close()
  })

  it('rolls back a transaction that throws', async () => {
    const database = await open()
    const failing = database.transaction(async (trx) => {
      await trx.insertInto('things').values({ id: 1, name: 'x' }).execute()
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(await database.db.selectFrom('things').selectAll().execute()).toEqual([])
  })

  it('notifies listeners in other pools of its schema, but not those of another schema', async () => {
    const [one, other] = [await open(), await open()]
    const two = await reopen(one.schema)
    const received: string[] = []
    const stop = await two.listen('jobs', (payload) => received.push(payload))
    const receivedByOther: string[] = []
    await other.listen('jobs', (payload) => receivedByOther.push(payload))
    await one.notify('jobs', 'first')
    await vi.waitFor(() => expect(received).toEqual(['first']))
    await stop()
    await one.notify('jobs', 'second')
    await sleep(50)
    expect([received, receivedByOther]).toEqual([['first'], []])
    await two.close()
  })

  it('notifies from a transaction when it commits, and not when it is rolled back', async () => {
    const database = await open()
    const received: string[] = []
    await database.listen('c', (payload) => received.push(payload))
    await database.transaction((trx) => database.notify('c', 'kept', trx))
    const rolledBack = database.transaction(async (trx) => {
      await database.notify('c', 'rolled back', trx)
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    await database.notify('c', 'last')
    await vi.waitFor(() => expect(received).toEqual(['kept', 'last']))
  })

  it('refuses a payload that is too long for PostgreSQL', async () => {
    const database = await open()
    await database.notify('c', 'x'.repeat(7999))
    await expect(database.notify('c', 'x'.repeat(8000))).rejects.toThrow(/8000 bytes.*7999.*Send an id/)
  })

  it('listens again after its connection was lost, and reports that notifications may be missing', async () => {
    const database = await open()
    const received: string[] = []
    const onReconnect = vi.fn()
    await database.listen('c', (payload) => received.push(payload), { onReconnect })
    await cutConnections(`application_name = 'trainyard-listen' and query like '%${database.schema}:c%'`)
    await vi.waitFor(() => expect(onReconnect).toHaveBeenCalledOnce(), { timeout: 60_000 })
    await database.notify('c', 'after')
    await vi.waitFor(() => expect(received).toEqual(['after']))
  })

  it('continues after the loss of its idle connections', async () => {
    const database = await open()
    await sql`select 1`.execute(database.db)
    await cutConnections(`application_name = 'trainyard-${database.schema}'`)
    await sleep(50)
    await sql`select 1`.execute(database.db)
  })

  it('continues after the loss of a connection between two statements of a transaction', async () => {
    const database = await open()
    const lost = database.transaction(async (trx) => {
      await sql`select 1`.execute(trx)
      await cutConnections(`application_name = 'trainyard-${database.schema}'`)
      await sleep(50)
      await sql`select 2`.execute(trx)
    })
    await expect(lost).rejects.toThrow()
    await sql`select 1`.execute(database.db)
  })

  it('notifies the other listeners when one fails', async () => {
    const database = await open()
    const received: string[] = []
    await database.listen('c', () => {
      throw new Error('broken')
    })
    await database.listen('c', (payload) => received.push(payload))
    await database.notify('c', 'x')
    await vi.waitFor(() => expect(received).toEqual(['x']))
  })

  it('names the setting to correct when PostgreSQL does not answer, and hides the password', async () => {
    const unreachable = openDatabase({ url: 'postgres://u:hidden@127.0.0.1:1/db', schema: 'x', migrations: {} })
    await expect(unreachable).rejects.toThrow(
      /No PostgreSQL answers at postgres:\/\/u:\*\*\*@127\.0\.0\.1:1\/db.*DATABASE_URL/,
    )
    await expect(openDatabase({ url: testDatabaseUrl(), schema: 'Bad-Name', migrations: {} })).rejects.toThrow(
      '"Bad-Name"',
    )
  })

  async function cutConnections(where: string): Promise<void> {
    const client = new pg.Client({ connectionString: testDatabaseUrl() })
    await client.connect()
    const { rowCount } = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and ${where}`,
    )
    await client.end()
    expect(rowCount).toBeGreaterThan(0)
  }
})
