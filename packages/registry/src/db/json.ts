import type { ColumnType } from 'kysely'

/** A `jsonb` column: read as data, written as text. */
export type JsonColumn<T> = ColumnType<T, string, string>

/**
 * Serialises a value for a `jsonb` column. PostgreSQL rejects NUL and lone surrogates, which uploaded files may contain.
 * `JSON.stringify` escapes both, in keys as well as in values, so the escapes are replaced.
 */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value ?? null).replace(/\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '\\ufffd')
}
