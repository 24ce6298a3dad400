import type { TrainerManifest, Trust, VersionState } from '@trainyard/contract'
import type { Generated } from 'kysely'
import type { JsonColumn } from '../json.ts'

/** A version holds an image, a bundle, or both, pushed separately. */
export type PartKind = 'bundle' | 'image'

export interface VersionPartTable {
  version_id: number
  kind: PartKind
  repository_id: number
  manifest_digest: string
  layer_digest: string | null
  size_bytes: number
  state: VersionState
  state_reason: string | null
  manifest: JsonColumn<TrainerManifest | null>
  readme: string | null
  /** Null until it is published. */
  trust: JsonColumn<Trust | null>
  check_id: string
  pushed_at: Generated<Date>
  published_at: Date | null
}
