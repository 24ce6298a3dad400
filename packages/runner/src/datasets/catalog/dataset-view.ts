import type { Dataset } from '@trainyard/contract'
import type { SnapshotRow } from '../../db/schema/dataset-snapshots.ts'
import type { DatasetRow } from '../../db/schema/datasets.ts'

/** An immutable copy of a dataset for jobs: its annotation files are copied, its images are referenced. */
export interface Snapshot extends Dataset {
  /** Id of the dataset. */
  datasetId: string
  /** Id of the row of its version. */
  versionId: string
}

/** The API's view of a dataset or a snapshot. */
export function toDataset(row: Omit<DatasetRow, 'project_id'> | SnapshotRow): Dataset {
  return {
    id: 'series_id' in row ? row.series_id : row.id,
    version: row.version,
    message: 'message' in row ? (row.message ?? undefined) : undefined,
    name: row.name,
    format: row.format,
    taskType: row.task_type,
    classes: row.classes,
    counts: row.counts,
    losses: row.losses,
    sizeBytes: row.size_bytes,
    versionHash: row.version_hash,
    source: 'source' in row ? (row.source ?? undefined) : undefined,
    createdAt: row.created_at.toISOString(),
  }
}

export function toSnapshot(row: SnapshotRow): Snapshot {
  return { ...toDataset(row), datasetId: row.version_of ?? row.dataset_id, versionId: row.dataset_id }
}
