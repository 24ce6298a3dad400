import { openDatabase } from '@trainyard/platform'
import { expect, test } from 'vitest'
import { openRunDatabase } from './database.ts'

const databaseUrl = process.env.TEST_DATABASE_URL

test.skipIf(databaseUrl === undefined)('each run has its own schema, which is dropped at the end', async () => {
  const url = databaseUrl ?? ''
  const [one, other] = await Promise.all([openRunDatabase({ databaseUrl: url }), openRunDatabase({ databaseUrl: url })])
  expect(one.schema).not.toBe(other.schema)
  const database = await openDatabase({ url, schema: one.schema, migrations: {} })
  try {
    const names = async () => (await database.db.introspection.getSchemas()).map(({ name }) => name)
    expect(await names()).toContain(one.schema)
    await one.close()
    expect(await names()).not.toContain(one.schema)
    expect(await names()).not.toContain(`${one.schema}_end`)
  } finally {
    await database.close()
    await other.close()
  }
})
