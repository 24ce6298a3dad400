import type { CachedDatasetState, DatasetFormat } from '@trainyard/contract'
import type { ColumnType, Generated } from 'kysely'

export type FillError = Omit<Extract<CachedDatasetState, { state: 'failed' }>, 'state'>

/** What a trainer has asked to be in the cache: kept while there is something left of its attempt. */
export interface CacheFillsTable {
  job_id: number
  attempt: number
  /** Empty: as the dataset came. */
  format: DatasetFormat | ''
  /** Also images without a label. */
  whole: boolean
  state: Generated<'wanted' | 'ready' | 'failed'>
  /** Of the cache, once it is ready. */
  key: string | null
  files: Generated<number>
  total_files: Generated<number>
  error: ColumnType<FillError | null, string | null, string | null>
}
