import type { Artifact } from '@trainyard/contract'
import type { ArtifactRow } from '../db/schema/artifacts.ts'

export function toArtifact(row: ArtifactRow): Artifact {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    contentType: row.content_type,
    attempt: row.attempt,
    ...(row.epoch === null ? {} : { epoch: row.epoch }),
    ...(row.metadata === null ? {} : { metadata: row.metadata }),
    createdAt: (row.completed_at ?? row.created_at).toISOString(),
  }
}
