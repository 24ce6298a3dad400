import pg from 'pg'
import { DELETIONS_LOCK } from './hold-deletions.ts'
import { type DumpedTable, isMigrationTable, type SchemaDump } from './schema-dump.ts'

/** The rows of a table as lines of JSON, as PostgreSQL writes them. */
export interface TableRows {
  schema: string
  table: string
  rows: AsyncIterable<string[]>
}

export interface DumpOptions {
  url: string
  /** Those that exist are dumped. */
  schemas: readonly string[]
  /** Stores the rows of one table. Tables come one after the other. */
  onTable(table: TableRows): Promise<void>
  /** Runs after the dump, while no server deletes an object that the dump names. */
  whileHeld(dumps: SchemaDump[]): Promise<void>
}

/**
 * Dumps schemas as they are at one moment, in one transaction, while servers work on them. The format needs no program of
 * PostgreSQL and no rights beyond reading: rows as JSON, and the names of the migrations that had run.
 */
export async function dumpDatabase({ url, schemas, onTable, whileHeld }: DumpOptions): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'trainyard-backup', keepAlive: true })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('set idle_in_transaction_session_timeout = 0; set statement_timeout = 0; set timezone = UTC')
    await client.query(`select pg_advisory_lock(${DELETIONS_LOCK})`)
    await client.query('begin isolation level repeatable read read only')
    const dumps: SchemaDump[] = []
    for (const schema of schemas) {
      const dump = await dumpSchema(client, schema, onTable)
      if (dump !== undefined) dumps.push(dump)
    }
    await client.query('commit')
    await whileHeld(dumps)
  } finally {
    // Ends the lock, too.
    await client.end().catch(() => undefined)
  }
}

async function dumpSchema(
  client: pg.Client,
  schema: string,
  onTable: DumpOptions['onTable'],
): Promise<SchemaDump | undefined> {
  const tables = await readTables(client, schema)
  if (tables.length === 0) return undefined
  const migrations = await client.query<{ name: string }>(
    `select name from ${quote(schema)}.kysely_migration order by timestamp, name`,
  )
  const dumped: DumpedTable[] = []
  for (const table of tables) {
    let rows = 0
    const count = async function* () {
      for await (const lines of readRows(client, schema, table.name)) {
        rows += lines.length
        yield lines
      }
    }
    await onTable({ schema, table: table.name, rows: count() })
    dumped.push({ ...table, rows })
  }
  // Read last: sequences are not part of the snapshot, and a later value is as good.
  const sequences = await client.query<{ name: string; lastValue: string }>(
    `select sequencename as name, last_value::text as "lastValue" from pg_sequences
     where schemaname = $1 and last_value is not null order by sequencename`,
    [schema],
  )
  return { schema, migrations: migrations.rows.map(({ name }) => name), tables: dumped, sequences: sequences.rows }
}

async function readTables(client: pg.Client, schema: string): Promise<Omit<DumpedTable, 'rows'>[]> {
  const { rows } = await client.query<Omit<DumpedTable, 'rows'>>(
    `select c.relname as name,
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'notNull', a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       coalesce((select json_agg(a.attname order by a.attnum) from pg_index i
          join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
        where i.indrelid = c.oid and i.indisprimary), '[]') as "primaryKey"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r' order by c.relname`,
    [schema],
  )
  return rows.filter(({ name }) => !isMigrationTable(name))
}

const ROWS_PER_FETCH = 1000

async function* readRows(client: pg.Client, schema: string, table: string): AsyncGenerator<string[]> {
  await client.query(
    `declare backup_rows no scroll cursor for select row_to_json(t)::text as line from ${quote(schema)}.${quote(table)} t`,
  )
  for (;;) {
    const { rows } = await client.query<{ line: string }>(`fetch ${ROWS_PER_FETCH} from backup_rows`)
    if (rows.length > 0) yield rows.map(({ line }) => line)
    if (rows.length < ROWS_PER_FETCH) break
  }
  await client.query('close backup_rows')
}

export const quote = (name: string): string => pg.escapeIdentifier(name)
