import type { ColumnType } from 'kysely'

/** Consecutive valid `progress` and `log` events, stored in one row. */
export interface EventChunksTable {
  job_id: number
  attempt: number
  last_seq: number
  /** Events of the chunk before this number are also stored elsewhere. */
  first_seq: number
  received_at: ColumnType<Date, Date, never>
  /** Number of events of this type; null when part of the chunk must not be read. */
  progress_count: number | null
  log_count: number | null
  /** As written by `packEvents`. */
  bodies: Buffer
}
