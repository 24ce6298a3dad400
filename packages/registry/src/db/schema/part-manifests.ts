import type { PartKind } from './version-parts.ts'

/** The manifests that a part consists of, as they were checked when it was published. Strangers may read exactly these. */
export interface PartManifestTable {
  version_id: number
  kind: PartKind
  repository_id: number
  digest: string
}
