import type { ColumnType } from 'kysely'

/** A `jsonb` column: read as a value, written as JSON text, because `pg` turns an array into a PostgreSQL array. */
export type Json<T> = ColumnType<T, string, string>

/** A time that the database fills in when it is left out. */
export type Timestamp = ColumnType<Date, Date | undefined, Date>
