import type { Generated, Selectable } from 'kysely'
import type { DatasetDescription } from './datasets.ts'

/** What a job trains on: the annotation files are copied to `snapshots/{id}/`, the images stay with the dataset. */
export interface DatasetSnapshotsTable extends DatasetDescription {
  id: string
  dataset_id: string
  /** Of the copies, which count in the quota of the project. */
  stored_bytes: Generated<number>
  stored_files: Generated<number>
}
export type SnapshotRow = Selectable<DatasetSnapshotsTable>
