import type { Generated } from 'kysely'
import type { JsonColumn } from '../json.ts'

/** `content` holds exactly the bytes that were pushed: the digest is computed over them. */
export interface ManifestTable {
  repository_id: number
  digest: string
  media_type: string
  artifact_type: string | null
  subject_digest: string | null
  annotations: JsonColumn<Record<string, string> | null>
  content: Uint8Array
  published: Generated<boolean>
  created_at: Generated<Date>
}
