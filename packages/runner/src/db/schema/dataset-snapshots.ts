import type { Selectable } from 'kysely'
import type { DatasetDescription } from './datasets.ts'

/** What a job trains on: the annotation files are copied to `snapshots/{id}/`, the images stay with the dataset. */
export interface DatasetSnapshotsTable extends DatasetDescription {
  id: string
  dataset_id: string
}
export type SnapshotRow = Selectable<DatasetSnapshotsTable>
