import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, type MigrationResultSet, Migrator } from 'kysely/migration'
import pg from 'pg'

export interface MigrateOptions {
  url: string
  schema: string
  migrations: Readonly<Record<string, Migration>>
}

/** Makes the schema where it is absent and runs what has not run. Replicas that start together wait for each other. */
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
      // Two concurrent CREATE SCHEMA IF NOT EXISTS can still collide, so the lock comes first.
      const lock = sql`hashtextextended(${`trainyard:migrate:${schema}`}, 0)`
      await sql`select pg_advisory_lock(${lock})`.execute(connection)
      try {
        await sql`create schema if not exists ${sql.id(schema)}`.execute(connection)
        const migrator = new Migrator({
          db,
          provider: { getMigrations: () => Promise.resolve(migrations) },
          migrationTableSchema: schema,
          // Areas of one package add their migrations side by side.
          allowUnorderedMigrations: true,
        })
        const { error, results = [] } = await untilNothingVanishes(() => migrator.migrateToLatest())
        if (error !== undefined) {
          const failed = results.find((result) => result.status === 'Error')?.migrationName ?? 'of an unknown name'
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

/** The start-up option that makes a schema the one in which names are looked up. */
export function searchPath(schema: string): string {
  return `-c search_path=${schema}`
}

/**
 * Kysely first looks at the tables of all schemas, and fails when somebody drops one of another schema meanwhile. Nothing has
 * run then, so it is simply begun again.
 */
async function untilNothingVanishes(migrateAll: () => Promise<MigrationResultSet>): Promise<MigrationResultSet> {
  for (let tries = 1; ; tries++) {
    const outcome = await migrateAll()
    const code = outcome.error instanceof Error && 'code' in outcome.error ? outcome.error.code : undefined
    const vanished = code === '3F000' || code === '42P01' || code === 'XX000'
    if (!vanished || (outcome.results ?? []).length > 0 || tries === 10) return outcome
  }
}
