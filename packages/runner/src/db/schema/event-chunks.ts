import type { ColumnType } from 'kysely'

/** Events that came in one row after the other and are kept together: `progress` and `log` that nothing was wrong with. */
export interface EventChunksTable {
  job_id: number
  attempt: number
  last_seq: number
  /** What the chunk holds before this number is also elsewhere. */
  first_seq: number
  received_at: ColumnType<Date, Date, never>
  /** How many events are of this type; null where a part of the chunk is not to be read. */
  progress_count: number | null
  log_count: number | null
  /** What `packChunk` makes. */
  bodies: Buffer
}
