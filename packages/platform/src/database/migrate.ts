import { type DatabaseIntrospector, Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'
import { ConfigError } from '../errors.ts'
import { errorCode } from '../system/describe-error.ts'
import { UNFINISHED_TABLE } from './unfinished-restore.ts'

export interface MigrateOptions {
  url: string
  schema: string
  migrations: Readonly<Record<string, Migration>>
  /** The schema is being restored. Otherwise, one whose restore has not finished is refused. */
  isRestore?: boolean | undefined
}

/**
 * Creates the schema when it does not exist, and runs the migrations that have not run. Replicas take turns. Migrations of a
 * newer program are left as they are: during an upgrade, and after a rollback, the older one works on the newer tables.
 *
 * @throws ConfigError when a restore of the schema has not finished
 */
export async function migrate({ url, schema, migrations, isRestore = false }: MigrateOptions): Promise<void> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    options: searchPath(schema),
    connectionTimeoutMillis: 15_000,
  })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const db = new Kysely<unknown>({ dialect: new OneSchemaDialect(schema, pool) })
  try {
    await db.connection().execute(async (connection) => {
      // The lock comes first: two concurrent CREATE SCHEMA IF NOT EXISTS can fail.
      const lock = sql`hashtextextended(${`trainyard:migrate:${schema}`}, 0)`
      await sql`select pg_advisory_lock(${lock})`.execute(connection)
      try {
        await sql`create schema if not exists ${sql.id(schema)}`.execute(connection)
        if (!isRestore) await requireRestored(connection, schema)
        const all = { ...(await migrationsThatRan(connection, schema)), ...migrations }
        const migrator = new Migrator({
          db,
          provider: { getMigrations: () => Promise.resolve(all) },
          migrationTableSchema: schema,
          // Each area of a package adds its own migrations.
          allowUnorderedMigrations: true,
        })
        const { error, results = [] } = await migrator.migrateToLatest()
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

async function requireRestored(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql<{ name: string | null }>`
    select to_regclass(${`"${schema}".${UNFINISHED_TABLE}`}) as name`.execute(db)
  if (rows[0]?.name)
    throw new ConfigError(
      `A restore into schema "${schema}" of this database has not finished, so a part of the data is missing: run the restore again, which begins from the start`,
    )
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
 * Tells Kysely about one schema only. The migrator asks several times whether its own tables exist, and Kysely's introspector
 * answers with every column of every schema: slow where a server has many, and an error when a table of another one is dropped
 * in the meantime.
 */
class OneSchemaDialect extends PostgresDialect {
  readonly #schema: string

  constructor(schema: string, pool: pg.Pool) {
    super({ pool })
    this.#schema = schema
  }

  override createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    const schema = this.#schema
    return {
      async getSchemas() {
        const { rows } = await sql<{ name: string }>`
          select nspname as name from pg_catalog.pg_namespace where nspname = ${schema}`.execute(db)
        return rows
      },
      async getTables() {
        const { rows } = await sql<{ name: string }>`
          select tablename as name from pg_catalog.pg_tables where schemaname = ${schema}`.execute(db)
        return rows.map(({ name }) => ({ name, schema, isView: false, isForeign: false, columns: [] }))
      },
    }
  }
}
