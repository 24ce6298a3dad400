import { z } from 'zod'

/** A table that no migration creates, such as the signing keys, is created again from its columns. */
const DumpedColumn = z.object({
  name: z.string(),
  type: z.string(),
  notNull: z.boolean(),
  default: z.string().nullable(),
})

const DumpedTable = z.object({
  name: z.string(),
  columns: z.array(DumpedColumn),
  primaryKey: z.array(z.string()),
  rows: z.number().int(),
})
export type DumpedTable = z.infer<typeof DumpedTable>

/** What a backup holds of one schema, beside the rows of its tables. */
export const SchemaDump = z.object({
  schema: z.string(),
  /** Names of the migrations that had run. */
  migrations: z.array(z.string()),
  tables: z.array(DumpedTable),
  /** Last values, so that no id is given out again. */
  sequences: z.array(z.object({ name: z.string(), lastValue: z.string() })),
})
export type SchemaDump = z.infer<typeof SchemaDump>

/** Kysely's own tables, which a migration of the restored schema writes itself. */
export const isMigrationTable = (name: string): boolean => name.startsWith('kysely_migration')
