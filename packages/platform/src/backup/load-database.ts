import pg from 'pg'
import { migrate } from '../database/migrate.ts'
import type { Migration } from '../database/open-database.ts'
import { UNFINISHED_TABLE } from '../database/unfinished-restore.ts'
import { ConfigError } from '../errors.ts'
import { errorMessage } from '../system/describe-error.ts'
import { quote } from './dump-database.ts'
import type { DumpedTable, SchemaDump } from './schema-dump.ts'

export interface LoadOptions {
  url: string
  dumps: readonly SchemaDump[]
  /** The migrations of each schema in this release. */
  migrations: Readonly<Record<string, Readonly<Record<string, Migration>>>>
  /** The rows of a table, as the dump wrote them. */
  readRows(schema: string, table: string): AsyncIterable<string>
  /** Runs before the last step, after which the database is complete. */
  onLoaded?: (() => Promise<void>) | undefined
  onTable?: ((schema: string, table: DumpedTable) => void) | undefined
}

/**
 * Loads dumps into a database without their schemas. Each schema is brought to the migrations of its dump, and
 * filled; the servers run later migrations when they start. What it creates is marked until the last row is loaded: after a failure it
 * is removed, by this call or, if that was killed, by the next one, and no server starts on it.
 *
 * @throws ConfigError when a schema already has tables, or the dump is of a newer release; then nothing was changed
 */
export async function loadDatabase(options: LoadOptions): Promise<void> {
  const { url, dumps, migrations } = options
  const client = new pg.Client({ connectionString: url, application_name: 'trainyard-restore', keepAlive: true })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const selected = dumps.map((dump) => ({ dump, migrations: selectMigrations(dump, migrations[dump.schema] ?? {}) }))
    for (const { dump } of selected) await requireEmpty(client, dump.schema)
    const schemas = dumps.map(({ schema }) => schema)
    let isLastStep = false
    try {
      await markUnfinished(client, schemas)
      for (const { dump, migrations: needed } of selected) {
        await migrate({ url, schema: dump.schema, migrations: needed, isRestore: true })
        await fill(client, dump, options)
      }
      await options.onLoaded?.()
      isLastStep = true
      await client.query(schemas.map((schema) => `drop table ${markerOf(schema)}`).join('; '))
    } catch (error) {
      // The connection can be lost after the last step was carried out.
      if (isLastStep && (await isUnmarked(url, schemas))) return
      await removeUnfinished(url, schemas, error)
      throw error
    }
    // Otherwise PostgreSQL does it later.
    await client.query('analyze').catch(() => undefined)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function selectMigrations(dump: SchemaDump, known: Readonly<Record<string, Migration>>): Record<string, Migration> {
  const unknown = dump.migrations.filter((name) => known[name] === undefined)
  if (unknown.length > 0) {
    throw new ConfigError(
      `The backup is of a newer release: this one does not know the migration ${unknown[0]} of schema "${dump.schema}". Restore it with that release, or a later one`,
    )
  }
  return Object.fromEntries(Object.entries(known).filter(([name]) => dump.migrations.includes(name)))
}

const markerOf = (schema: string): string => `${quote(schema)}.${UNFINISHED_TABLE}`

async function markUnfinished(client: pg.Client, schemas: readonly string[]): Promise<void> {
  // One statement for each schema, so that none exists without its mark.
  for (const schema of schemas)
    await client.query(`create schema if not exists ${quote(schema)}; create table ${markerOf(schema)} ()`)
}

async function isUnmarked(url: string, [schema = '']: readonly string[]): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, application_name: 'trainyard-restore', keepAlive: true })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return !(await isMarked(client, schema))
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Removes what a restore has created. On a connection of its own: the other one may be lost, or in a failed transaction. */
async function removeUnfinished(url: string, schemas: readonly string[], cause: unknown): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'trainyard-restore', keepAlive: true })
  client.on('error', () => undefined)
  try {
    await client.connect()
    for (const schema of schemas) await dropUnfinished(client, schema)
  } catch (error) {
    throw new Error(
      `The restore failed (${errorMessage(cause)}), and what it had created in the schemas ${schemas.join(', ')} could not be removed ` +
        `(${errorMessage(error)}). Restore again: that removes it first. No server starts on this database before`,
      { cause },
    )
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function isMarked(client: pg.Client, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ marked: boolean }>(`select to_regclass($1) is not null as marked`, [
    markerOf(schema),
  ])
  return rows[0]?.marked === true
}

async function dropUnfinished(client: pg.Client, schema: string): Promise<void> {
  if (await isMarked(client, schema)) await client.query(`drop schema ${quote(schema)} cascade`)
}

async function requireEmpty(client: pg.Client, schema: string): Promise<void> {
  await dropUnfinished(client, schema)
  const { rows } = await client.query(`select 1 from pg_tables where schemaname = $1 limit 1`, [schema])
  if (rows.length > 0)
    throw new ConfigError(
      `The database already has tables in schema "${schema}"; restore into an empty database, or drop the schema first`,
    )
}

async function fill(client: pg.Client, dump: SchemaDump, { readRows, onTable }: LoadOptions): Promise<void> {
  const { schema } = dump
  await client.query('begin')
  for (const table of dump.tables) await ensureTable(client, schema, table)
  // Rows come in no particular order, so references are checked after the last one.
  const references = await client.query<{ name: string; table: string; definition: string }>(
    `select conname as name, conrelid::regclass::text as table, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'f' and connamespace = $1::regnamespace`,
    [quote(schema)],
  )
  for (const { name, table } of references.rows)
    await client.query(`alter table ${table} drop constraint ${quote(name)}`)
  const tables = dump.tables.map(({ name }) => `${quote(schema)}.${quote(name)}`)
  // Migrations may have inserted rows.
  if (tables.length > 0) await client.query(`truncate ${tables.join(', ')}`)
  for (const table of dump.tables) {
    await loadRows(client, schema, { table, lines: readRows(schema, table.name) })
    onTable?.(schema, table)
  }
  for (const { name, lastValue } of dump.sequences)
    await client.query('select setval($1::regclass, $2::bigint)', [`${quote(schema)}.${quote(name)}`, lastValue])
  for (const { name, table, definition } of references.rows)
    await client.query(`alter table ${table} add constraint ${quote(name)} ${definition}`)
  await client.query('commit')
}

async function ensureTable(
  client: pg.Client,
  schema: string,
  { name, columns, primaryKey }: DumpedTable,
): Promise<void> {
  const definitions = columns.map((column) =>
    [
      `${quote(column.name)} ${column.type}`,
      column.notNull ? 'not null' : '',
      column.default === null ? '' : `default ${column.default}`,
    ].join(' '),
  )
  if (primaryKey.length > 0) definitions.push(`primary key (${primaryKey.map(quote).join(', ')})`)
  await client.query(`create table if not exists ${quote(schema)}.${quote(name)} (${definitions.join(', ')})`)
}

const MAX_ROWS = 1000
const MAX_CHARACTERS = 4_000_000

async function loadRows(
  client: pg.Client,
  schema: string,
  { table, lines }: { table: DumpedTable; lines: AsyncIterable<string> },
): Promise<void> {
  const target = `${quote(schema)}.${quote(table.name)}`
  const columns = table.columns.map(({ name }) => quote(name)).join(', ')
  const insert = async (batch: string[]) =>
    await client.query(
      `insert into ${target} (${columns}) overriding system value
       select ${columns} from json_populate_recordset(null::${target}, $1::json)`,
      [`[${batch.join(',')}]`],
    )
  let batch: string[] = []
  let characters = 0
  let rows = 0
  for await (const line of lines) {
    batch.push(line)
    characters += line.length
    rows += 1
    if (batch.length < MAX_ROWS && characters < MAX_CHARACTERS) continue
    await insert(batch)
    batch = []
    characters = 0
  }
  if (batch.length > 0) await insert(batch)
  if (rows !== table.rows)
    throw new Error(`The backup has ${rows} rows of ${schema}.${table.name}; ${table.rows} were written`)
}
