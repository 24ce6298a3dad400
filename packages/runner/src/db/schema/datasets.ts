import type { DatasetClass, DatasetCounts, DatasetFormat, TaskType } from '@trainyard/contract'
import type { ColumnType, Generated, Selectable } from 'kysely'
import type { Json } from '../columns.ts'

/** Where the images of a dataset are that was not uploaded: a prefix of another bucket, or of the platform's own store. */
export interface DatasetSource {
  bucket?: string | undefined
  prefix: string
}

/** The columns that a snapshot copies from its dataset. */
export interface DatasetDescription {
  name: string
  format: DatasetFormat
  task_type: TaskType
  classes: Json<DatasetClass[]>
  counts: Json<DatasetCounts>
  size_bytes: number
  /** SHA-256 over the sorted (path, size, SHA-256) list and the annotation content. */
  version_hash: string
  created_at: Generated<Date>
}

export interface DatasetsTable extends DatasetDescription {
  id: string
  project_id: string
  /** Null when the dataset was uploaded. */
  source: ColumnType<DatasetSource | null, string | null | undefined, never>
}
export type DatasetRow = Selectable<DatasetsTable>
