import type { Json, Timestamp } from '../columns.ts'

export interface EventsTable {
  job_id: number
  attempt: number
  seq: number
  type: string
  time: Date | null
  received_at: Timestamp
  body: Json<Record<string, unknown>>
  rejected: Json<{ path: string; detail: string }> | null
}
