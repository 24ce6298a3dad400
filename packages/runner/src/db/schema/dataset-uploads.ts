import type { Generated } from 'kysely'

/** A dataset that is being registered. A row that outlives its process marks objects to remove. */
export interface DatasetUploadsTable {
  id: string
  started_at: Date
  /** Null for a row of an earlier release. */
  project_id: Generated<string | null>
  /** What it counts in the quota of the project: its bytes and files so far, and some more. */
  reserved_bytes: Generated<number>
  reserved_files: Generated<number>
}
