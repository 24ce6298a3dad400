import type { CachedDatasetState, TargetFormat } from '@trainyard/contract'
import type { ColumnType, Generated } from 'kysely'

export type FillError = Omit<Extract<CachedDatasetState, { state: 'failed' }>, 'state'>

/** A request of a trainer for a dataset in the cache. Kept until the attempt is deleted. */
export interface CacheFillsTable {
  job_id: number
  attempt: number
  /** Empty: the dataset's own format. */
  format: TargetFormat | ''
  /** Includes images without a label. */
  whole: boolean
  state: Generated<'wanted' | 'ready' | 'failed'>
  /** Key of the cache entry, once it is ready. */
  key: string | null
  files: Generated<number>
  total_files: Generated<number>
  error: ColumnType<FillError | null, string | null, string | null>
}
