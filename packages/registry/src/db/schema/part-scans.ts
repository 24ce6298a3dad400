import type { Finding, RescannedCheck } from '@trainyard/contract'
import type { ColumnType, Generated } from 'kysely'
import type { JsonColumn } from '../json.ts'
import type { PartKind } from './version-parts.ts'

/** The version of a scanner with which published parts were queued last. */
export interface ScannerStateTable {
  check_name: RescannedCheck
  scanner: string
  seen_at: Date
}

/** A published part that is scanned again: a queue entry with a lease, and what was found. Times are the database's. */
export interface PartScanTable {
  version_id: number
  kind: PartKind
  check_name: RescannedCheck
  due: boolean
  /** Results of layers that were stored before do not count. */
  forced: Generated<boolean>
  tries: Generated<number>
  lease: string | null
  lease_until: Date | null
  scanned_at: Date | null
  /** Fingerprints of the findings with which it was published. Null until the first scan. */
  accepted: ColumnType<string[] | null, undefined, string>
  /** What was not known when it was published. */
  found: JsonColumn<Finding[]>
  found_at: Date | null
}
