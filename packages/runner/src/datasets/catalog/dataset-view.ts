import type { Dataset } from '@trainyard/contract'
import type { Selectable } from 'kysely'
import type { SnapshotRow } from '../../db/schema/dataset-snapshots.ts'
import type { DatasetRow } from '../../db/schema/datasets.ts'

/** A dataset frozen for jobs: its annotation files are copied, its images are referenced. */
export interface Snapshot extends Dataset {
  datasetId: string
}

export function toDataset(row: Omit<Selectable<DatasetRow>, 'project_id'> | Selectable<SnapshotRow>): Dataset {
  return {
    id: row.id,
    name: row.name,
    format: row.format,
    taskType: row.task_type,
    classes: row.classes,
    counts: row.counts,
    sizeBytes: row.size_bytes,
    versionHash: row.version_hash,
    ...('source' in row && row.source ? { source: row.source } : {}),
    createdAt: row.created_at.toISOString(),
  }
}

export function toSnapshot(row: Selectable<SnapshotRow>): Snapshot {
  return { ...toDataset(row), datasetId: row.dataset_id }
}
