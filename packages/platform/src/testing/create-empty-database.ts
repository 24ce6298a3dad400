import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { testDatabaseUrl } from './create-test-database.ts'

/** A database of its own in the PostgreSQL of the tests, for schemas whose names are fixed. */
export async function createEmptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await run(`create database ${name}`)
  const url = new URL(testDatabaseUrl())
  url.pathname = `/${name}`
  return { url: url.href, drop: () => run(`drop database if exists ${name} with (force)`) }
}

async function run(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: testDatabaseUrl() })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
