import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import pg from 'pg'
import { type Database, type Migration, openDatabase } from '../database/open-database.ts'

export interface TestDatabaseOptions {
  migrations: Readonly<Record<string, Migration>>
  /** Default: `TEST_DATABASE_URL`, which the test setup provides. */
  url?: string | undefined
}

/** Opens a new schema in the PostgreSQL of the tests. */
export async function createTestDatabase<DB>({
  migrations,
  url = testDatabaseUrl(),
}: TestDatabaseOptions): Promise<Database<DB> & { drop(): Promise<void> }> {
  const schema = `test_${randomBytes(6).toString('hex')}`
  const database = await openDatabase<DB>({ url, schema, migrations, poolSize: 5 })
  return {
    ...database,
    async drop() {
      await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(database.db)
      await database.close()
    },
  }
}

/** Drops the schemas of a server. It must be stopped: one that is running holds locks and waits for others. */
export async function dropTestSchemas(...schemas: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: testDatabaseUrl() })
  // The same failure is thrown by the calls below.
  client.on('error', () => undefined)
  try {
    await client.connect()
    for (const schema of schemas) await client.query(`drop schema if exists ${pg.escapeIdentifier(schema)} cascade`)
  } catch (error) {
    // At the end of a run PostgreSQL may be stopped first. Then its schemas are removed with it.
    if (!isStopped(error)) throw error
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The server does not listen, or is shutting down. */
function isStopped(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return ['ECONNREFUSED', 'ECONNRESET', '57P01', '57P03'].includes(String(code))
}

/** The URL of the PostgreSQL of the tests. */
export function testDatabaseUrl(): string {
  const url = process.env.TEST_DATABASE_URL
  if (url === undefined) throw new Error('TEST_DATABASE_URL is not set: run the tests with Vitest, whose setup sets it')
  return url
}
