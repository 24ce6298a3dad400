import type { GeneratedAlways } from 'kysely'

/** Transfers that are not in `usage_days` yet: a row each, so that concurrent transfers do not wait for each other. */
export interface UsageTransfersTable {
  id: GeneratedAlways<number>
  at: Date
  project_id: string
  person: string
  trainer: string
  queue: string
  uploaded_bytes: number
  downloaded_bytes: number
}
