import type { Dataset } from '@trainyard/contract'
import type { SnapshotRow } from '../../db/schema/dataset-snapshots.ts'
import type { DatasetRow } from '../../db/schema/datasets.ts'

/** An immutable copy of a dataset for jobs: its annotation files are copied, its images are referenced. */
export interface Snapshot extends Dataset {
  datasetId: string
}

/** The API's view of a dataset or a snapshot. */
export function toDataset(row: Omit<DatasetRow, 'project_id'> | SnapshotRow): Dataset {
  return {
    id: row.id,
    name: row.name,
    format: row.format,
    taskType: row.task_type,
    classes: row.classes,
    counts: row.counts,
    sizeBytes: row.size_bytes,
    versionHash: row.version_hash,
    source: 'source' in row ? (row.source ?? undefined) : undefined,
    createdAt: row.created_at.toISOString(),
  }
}

export function toSnapshot(row: SnapshotRow): Snapshot {
  return { ...toDataset(row), datasetId: row.dataset_id }
}
