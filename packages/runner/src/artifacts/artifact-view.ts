import type { Artifact } from '@trainyard/contract'
import type { ArtifactRow } from '../db/schema/artifacts.ts'

/** The public view of an artifact. */
export function toArtifact(row: ArtifactRow): Artifact {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    contentType: row.content_type,
    attempt: row.attempt,
    epoch: row.epoch ?? undefined,
    metadata: row.metadata ?? undefined,
    createdAt: (row.completed_at ?? row.created_at).toISOString(),
  }
}
