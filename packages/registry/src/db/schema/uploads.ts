import type { Generated } from 'kysely'

/** An upload session that has not ended. */
export interface UploadTable {
  id: string
  repository_id: number
  size_bytes: Generated<number>
  chunks: Generated<number>
  opened_by: string
  created_at: Generated<Date>
}
