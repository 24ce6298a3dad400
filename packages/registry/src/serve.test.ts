import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { start } from './serve.ts'

it('starts from environment variables, serves, and stops', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-serve-'))
  const schema = `test_${randomBytes(6).toString('hex')}`
  try {
    const served = await start({
      DATABASE_URL: testDatabaseUrl(),
      REGISTRY_DATABASE_SCHEMA: schema,
      DATA_DIR: dir,
      PORT: '0',
      LOG_LEVEL: 'silent',
      STORAGE_SECRET: 'a secret of the tests',
    })
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/v1/trainers']) {
      expect([path, (await fetch(`${served.url}${path}`)).status]).toEqual([path, 200])
    }
    expect((await fetch(`${served.url}/v2/`)).status).toBe(401)
    await served.stop()
    await expect(fetch(`${served.url}/healthz`)).rejects.toThrow()
  } finally {
    const database = await openDatabase({ url: testDatabaseUrl(), schema, migrations: {} }).catch(() => undefined)
    if (database) {
      await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(database.db)
      await database.close()
    }
    await rm(dir, { recursive: true, force: true })
  }
})

it('names the setting that is missing', async () => {
  await expect(start({})).rejects.toThrow(/DATABASE_URL/)
})
