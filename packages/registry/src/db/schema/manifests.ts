import type { Generated } from 'kysely'
import type { JsonColumn } from '../json.ts'

/**
 * What a manifest is. `image`: container engines can run it. `attachment`: small texts, such as a signature. `artifact`:
 * anything else, for example a chart.
 */
export type ManifestForm = 'image' | 'index' | 'bundle' | 'attachment' | 'artifact'

/** `content` holds exactly the bytes that were pushed: the digest is computed over them. */
export interface ManifestTable {
  repository_id: number
  digest: string
  media_type: string
  artifact_type: string | null
  subject_digest: string | null
  annotations: JsonColumn<Record<string, string> | null>
  content: Uint8Array
  form: ManifestForm
  created_at: Generated<Date>
}
