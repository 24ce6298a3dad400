import type { DatasetClass, DatasetCounts, DatasetFormat, DatasetLoss, TaskType } from '@trainyard/contract'
import type { ColumnType, Generated, GeneratedAlways, Selectable } from 'kysely'
import type { Json } from '../columns.ts'

/** Where the images of a dataset are that was not uploaded: a prefix of another bucket, or of the platform's own store. */
export interface DatasetSource {
  bucket?: string | undefined
  prefix: string
}

/** The columns that a snapshot copies from its version of a dataset. */
export interface DatasetDescription {
  name: string
  format: DatasetFormat
  task_type: TaskType
  classes: Json<DatasetClass[]>
  counts: Json<DatasetCounts>
  /** What was left out or changed when the files were read. */
  losses: ColumnType<DatasetLoss[], string | undefined, string>
  size_bytes: number
  /** SHA-256 over the sorted (path, size, SHA-256) list and the annotation content. */
  version_hash: string
  created_at: Generated<Date>
  /** Id of the first version. Null for the first one itself. */
  version_of: Generated<string | null>
  version: Generated<number>
  /** Bytes and files of its own in the store; images that are only referenced are not among them. They count in the quota of the project. */
  stored_bytes: Generated<number>
  stored_files: Generated<number>
}

/** A version of a dataset. */
export interface DatasetsTable extends DatasetDescription {
  id: string
  /** What people know as the id of the dataset: the id of its first version. */
  series_id: GeneratedAlways<string>
  message: Generated<string | null>
  project_id: string
  /** Null when the dataset was uploaded. */
  source: ColumnType<DatasetSource | null, string | null | undefined, never>
}
export type DatasetRow = Selectable<DatasetsTable>
