import type { ColumnType, Generated } from 'kysely'

/** At most one row: the secret that the first account needs. Deleted with its creation. */
export interface SetupTable {
  id: ColumnType<true, true, never>
  secret_hash: string
  created_at: Generated<Date>
}
