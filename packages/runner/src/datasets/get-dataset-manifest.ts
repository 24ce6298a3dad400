import { notFound } from '@trainyard/platform'
import type { DatasetManifest } from '@trainyard/sdk/contract'
import type { DatasetContext } from './context.ts'
import { toSnapshot } from './dataset-view.ts'
import { snapshotKey } from './storage-keys.ts'

/** What a trainer is told about the dataset of its job, with signed URLs of the annotation files. */
export async function getDatasetManifest(context: DatasetContext, snapshotId: string): Promise<DatasetManifest> {
  const { db } = context.database
  const row = await db.selectFrom('dataset_snapshots').selectAll().where('id', '=', snapshotId).executeTakeFirst()
  if (row === undefined) throw notFound('snapshot', snapshotId)
  const snapshot = toSnapshot(row)
  const annotationFiles = await db
    .selectFrom('dataset_files')
    .select(['path', 'size_bytes', 'sha256'])
    .where('dataset_id', '=', snapshot.datasetId)
    .where('role', '=', 'annotation')
    .orderBy('path')
    .execute()
  return {
    datasetId: snapshot.datasetId,
    snapshotId: snapshot.id,
    versionHash: snapshot.versionHash,
    name: snapshot.name,
    format: snapshot.format,
    taskType: snapshot.taskType,
    classes: snapshot.classes,
    counts: snapshot.counts,
    annotationFiles: await Promise.all(
      annotationFiles.map(async (file) => ({
        path: file.path,
        sizeBytes: file.size_bytes,
        sha256: file.sha256,
        request: await context.store.signGet(snapshotKey(snapshot.id, file.path)),
      })),
    ),
  }
}
