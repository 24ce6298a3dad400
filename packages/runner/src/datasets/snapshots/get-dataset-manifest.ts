import type { DatasetManifest } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import { toSnapshot } from '../catalog/dataset-view.ts'
import type { DatasetContext } from '../context.ts'
import { snapshotKey } from '../storage/storage-keys.ts'
import { getSplitCounts } from './create-split.ts'

/**
 * What a trainer reads about the dataset of its job, with signed URLs of the annotation files.
 *
 * @param splitId the job's own split, if it has one
 */
export async function getDatasetManifest(
  context: DatasetContext,
  snapshotId: string,
  splitId?: string | null,
): Promise<DatasetManifest> {
  const { db } = context.database
  const row = await db.selectFrom('dataset_snapshots').selectAll().where('id', '=', snapshotId).executeTakeFirst()
  if (row === undefined) throw notFound('snapshot', snapshotId)
  const snapshot = toSnapshot(row)
  const annotationFiles = await db
    .selectFrom('dataset_files')
    .select(['path', 'size_bytes', 'sha256'])
    .where('dataset_id', '=', snapshot.versionId)
    .where('role', '=', 'annotation')
    .orderBy('path')
    .execute()
  const splits = splitId == null ? undefined : await getSplitCounts(context, splitId)
  return {
    datasetId: snapshot.datasetId,
    snapshotId: snapshot.id,
    versionHash: snapshot.versionHash,
    name: snapshot.name,
    format: snapshot.format,
    taskType: snapshot.taskType,
    classes: snapshot.classes,
    counts: splits === undefined ? snapshot.counts : { ...snapshot.counts, splits },
    split: splitId == null ? { origin: await originOf(context, snapshot.versionId) } : { origin: 'job', id: splitId },
    annotationFiles: await Promise.all(
      annotationFiles.map(async (file) => ({
        path: file.path,
        sizeBytes: file.size_bytes,
        // Annotation files are always hashed when they are registered.
        sha256: file.sha256 ?? '',
        request: await context.store.signGet(snapshotKey(snapshot.id, file.path)),
      })),
    ),
  }
}

/** `dataset` when the dataset assigns a split to any of its images; the hash of the path decides for the others. */
async function originOf(context: DatasetContext, datasetId: string): Promise<'dataset' | 'hash'> {
  const given = await context.database.db
    .selectFrom('dataset_files')
    .select('path')
    .where('dataset_id', '=', datasetId)
    .where('role', '=', 'image')
    .where('split_given', '=', true)
    .limit(1)
    .executeTakeFirst()
  return given === undefined ? 'hash' : 'dataset'
}
