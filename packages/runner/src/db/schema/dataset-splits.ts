import type { SplitCounts, SplitRequest } from '@trainyard/contract'
import type { Generated } from 'kysely'
import type { Json } from '../columns.ts'

/** A split of a dataset's images that a job asked for. Jobs that ask for the same split share it. */
export interface DatasetSplitsTable {
  id: string
  snapshot_id: string
  spec_hash: string
  spec: Json<SplitRequest>
  counts: Json<SplitCounts>
  warnings: Json<string[]>
  created_at: Generated<Date>
}
