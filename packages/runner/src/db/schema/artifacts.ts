import type { ArtifactKind } from '@trainyard/contract'
import type { Selectable } from 'kysely'
import type { Json, Timestamp } from '../columns.ts'

export interface ArtifactsTable {
  id: string
  job_id: number
  attempt: number
  kind: ArtifactKind
  name: string
  size_bytes: number
  sha256: string
  content_type: string
  epoch: number | null
  metadata: Json<Record<string, unknown>> | null
  storage_key: string
  upload_id: string | null
  /** Order in the live stream, drawn from the same sequence as the ids of log lines. Set when the artifact is complete. */
  position: number | null
  created_at: Timestamp
  completed_at: Date | null
}

export type ArtifactRow = Selectable<ArtifactsTable>
