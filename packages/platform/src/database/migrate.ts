import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, type MigrationResultSet, Migrator } from 'kysely/migration'
import pg from 'pg'
import { errorCode } from '../system/describe-error.ts'

export interface MigrateOptions {
  url: string
  schema: string
  migrations: Readonly<Record<string, Migration>>
}

/**
 * Creates the schema when it does not exist, and runs the migrations that have not run. Replicas take turns. Migrations of a
 * newer program are left as they are: during an upgrade, and after a rollback, the older one works on the newer tables.
 */
export async function migrate({ url, schema, migrations }: MigrateOptions): Promise<void> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    options: searchPath(schema),
    connectionTimeoutMillis: 15_000,
  })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    await db.connection().execute(async (connection) => {
      // The lock comes first: two concurrent CREATE SCHEMA IF NOT EXISTS can fail.
      const lock = sql`hashtextextended(${`trainyard:migrate:${schema}`}, 0)`
      await sql`select pg_advisory_lock(${lock})`.execute(connection)
      try {
        await sql`create schema if not exists ${sql.id(schema)}`.execute(connection)
        const all = { ...(await migrationsThatRan(connection, schema)), ...migrations }
        const migrator = new Migrator({
          db,
          provider: { getMigrations: () => Promise.resolve(all) },
          migrationTableSchema: schema,
          // Each area of a package adds its own migrations.
          allowUnorderedMigrations: true,
        })
        const { error, results = [] } = await retryWhenTablesVanish(() => migrator.migrateToLatest())
        if (error !== undefined) {
          const failed = results.find((result) => result.status === 'Error')?.migrationName ?? '(unknown name)'
          throw new Error(`The migration ${failed} of schema "${schema}" failed`, { cause: error })
        }
      } finally {
        await sql`select pg_advisory_unlock(${lock})`.execute(connection).catch(() => undefined)
      }
    })
  } finally {
    await db.destroy()
  }
}

const NOTHING: Migration = { up: () => Promise.resolve() }

/** As migrations that do nothing: Kysely refuses a database with one that it does not know. */
async function migrationsThatRan(db: Kysely<unknown>, schema: string): Promise<Record<string, Migration>> {
  const table = sql.id(schema, 'kysely_migration')
  const { rows } = await sql<{ name: string }>`select name from ${table}`.execute(db).catch((error: unknown) => {
    // No migration has run yet.
    if (errorCode(error) === '42P01') return { rows: [] }
    throw error
  })
  return Object.fromEntries(rows.map(({ name }) => [name, NOTHING]))
}

/** The connection option that selects a schema. */
export function searchPath(schema: string): string {
  return `-c search_path=${schema}`
}

/**
 * Kysely first lists the tables of all schemas, and fails when a table of another schema is dropped in the meantime. No
 * migration has run then, so it is started again.
 */
async function retryWhenTablesVanish(migrateAll: () => Promise<MigrationResultSet>): Promise<MigrationResultSet> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await migrateAll()
    const code = outcome.error instanceof Error && 'code' in outcome.error ? outcome.error.code : undefined
    const vanished = code === '3F000' || code === '42P01' || code === 'XX000'
    if (!vanished || (outcome.results ?? []).length > 0 || attempt === 10) return outcome
  }
}
