import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { insertTrainers, type MadeTrainer } from '../testing/catalogue-fixture.ts'
import { createHarness, type Harness } from '../testing/harness.ts'
import { adoptRestoredEntries, SearchReader } from './search-reader.ts'
import { waysOf } from './words.ts'

const trainer = (name: string, description = 'Finds things'): MadeTrainer => ({
  name,
  displayName: name,
  description,
  pulls: 0,
  tasks: ['detection'],
  framework: 'pytorch',
  license: 'MIT',
  keywords: [],
  exports: [],
  reads: ['coco'],
})

let harness: Harness
beforeAll(async () => {
  harness = await createHarness()
})
afterAll(() => harness.close())

const database = () => harness.registry.context.database

/** The ids of trainers with a word, and how many trainers there are. */
async function find(reader: SearchReader, word: string) {
  const index = await reader.read()
  const { found } = index.search({
    text: { ways: waysOf([word], new Map()), understood: new Map(), key: word },
    filters: {},
    sort: 'relevance',
    after: undefined,
    limit: 100,
  })
  return found.map(({ id }) => id)
}

const idOf = async (name: string) =>
  (await database().db.selectFrom('repositories').select('id').where('name', '=', name).executeTakeFirstOrThrow()).id

it('follows what other processes publish, change and withdraw', async () => {
  const reader = new SearchReader(database())
  expect(await find(reader, 'tusks')).toEqual([])
  await insertTrainers(database().db, [trainer('a/walrus', 'Finds tusks'), trainer('a/other')])
  const id = await idOf('a/walrus')
  expect(await find(reader, 'tusks')).toEqual([id])
  const change = (set: { words?: string; is_listed?: boolean }) =>
    database()
      .db.updateTable('search_entries')
      .set({ ...set, changed: sql`pg_current_xact_id()` })
      .where('repository_id', '=', id)
      .execute()
  await change({ words: 'a seal\n\n' })
  expect([await find(reader, 'tusks'), await find(reader, 'seal')]).toEqual([[], [id]])
  await change({ is_listed: false })
  expect(await find(reader, 'seal')).toEqual([])
  expect((await reader.read()).size).toBe((await new SearchReader(database()).read()).size)
})

it('notices a transaction that ends after later ones', async () => {
  const reader = new SearchReader(database())
  await insertTrainers(database().db, [trainer('b/first'), trainer('b/second')])
  const [first, second] = [await idOf('b/first'), await idOf('b/second')]
  const write = { changed: sql<string>`pg_current_xact_id()` }
  await database().transaction(async (trx) => {
    await trx
      .updateTable('search_entries')
      .set({ ...write, words: 'early\n\n' })
      .where('repository_id', '=', first)
      .execute()
    await database()
      .db.updateTable('search_entries')
      .set({ ...write, words: 'late\n\n' })
      .where('repository_id', '=', second)
      .execute()
    expect([await find(reader, 'early'), await find(reader, 'late')]).toEqual([[], [second]])
  })
  expect([await find(reader, 'early'), await find(reader, 'late')]).toEqual([[first], [second]])
})

it('does not take a change for a row that was restored from another server', async () => {
  await insertTrainers(database().db, [trainer('c/restored')])
  const id = await idOf('c/restored')
  const set = (values: { words?: string; changed: ReturnType<typeof sql<string>> }) =>
    database().db.updateTable('search_entries').set(values).where('repository_id', '=', id).execute()
  await set({ changed: sql<string>`'900000000000'::xid8` })
  await adoptRestoredEntries(database())
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from search_entries where changed > pg_current_xact_id()`.execute(database().db)
  expect(rows).toEqual([{ count: 0 }])
})

it('reads again after a question failed', async () => {
  const { db } = database()
  let isDown = true
  const reader = new SearchReader({
    ...database(),
    get db() {
      if (isDown) throw new Error('the database is away')
      return db
    },
  })
  await expect(Promise.all([reader.read(), reader.read()])).rejects.toThrow('the database is away')
  isDown = false
  expect((await reader.read()).size).toBeGreaterThan(0)
})
