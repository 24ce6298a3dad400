import type { CheckResult, VersionState } from '@trainyard/contract'
import type { Generated } from 'kysely'
import type { JsonColumn } from '../json.ts'
import type { PartKind } from './version-parts.ts'

/** The acceptance of one pushed part: a queue entry with a lease, and its results. */
export interface CheckTable {
  id: string
  version_id: number
  kind: PartKind
  repository_id: number
  manifest_digest: string
  state: VersionState
  results: JsonColumn<CheckResult[]>
  tries: Generated<number>
  lease_owner: string | null
  lease_until: Date | null
  /** Higher is claimed first. Pushes have 0. */
  priority: Generated<number>
  /** When it joined the queue: at the push, or when it was queued again by hand. */
  queued_at: Generated<Date>
  /** When it was claimed last. */
  claimed_at: Date | null
  /** The subject that pushed it; null for pushes of older versions of the registry. */
  pushed_by: string | null
  created_at: Generated<Date>
  finished_at: Date | null
}
