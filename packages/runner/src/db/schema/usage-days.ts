import type { Generated } from 'kysely'

/** What was used on a day, in UTC. `person`, `trainer` and `queue` are empty where the use belongs to none. */
export interface UsageDaysTable {
  project_id: string
  day: string
  person: string
  trainer: string
  queue: string
  attempts: Generated<number>
  run_seconds: Generated<number>
  gpu_seconds: Generated<number>
  cpu_seconds: Generated<number>
  storage_byte_seconds: Generated<number>
  uploaded_bytes: Generated<number>
  downloaded_bytes: Generated<number>
}
