import { newId, notFound } from '@trainyard/platform'
import { type Snapshot, toSnapshot } from '../catalog/dataset-view.ts'
import { findVersion } from '../catalog/find-version.ts'
import type { DatasetContext } from '../context.ts'
import { datasetKey, snapshotKey } from '../storage/storage-keys.ts'

/**
 * Freezes a version of a dataset for a job: its annotation files are copied, its images are referenced. Returns the existing snapshot
 * when the content has not changed. Throws `not_found` when the project has no such dataset.
 */
export async function createSnapshot(context: DatasetContext, name: string, projectId: string): Promise<Snapshot> {
  const { db } = context.database
  const dataset = await findVersion(db, name)
  if (dataset.project_id !== projectId) throw notFound('dataset', name)
  const { id: datasetId } = dataset
  const existing = await findSnapshot(context, datasetId, dataset.version_hash)
  if (existing) return existing

  const annotationFiles = await db
    .selectFrom('dataset_files')
    .select(['path', 'size_bytes'])
    .where('dataset_id', '=', datasetId)
    .where('role', '=', 'annotation')
    .execute()
  const id = newId('snap')
  let created: Snapshot | undefined
  try {
    for (const { path } of annotationFiles) {
      const { body, contentType } = await context.store.get(datasetKey(datasetId, path))
      await context.store.put(snapshotKey(id, path), body, { contentType })
    }
    const row = await db
      .insertInto('dataset_snapshots')
      .values({
        id,
        dataset_id: datasetId,
        name: dataset.name,
        format: dataset.format,
        task_type: dataset.task_type,
        classes: JSON.stringify(dataset.classes),
        counts: JSON.stringify(dataset.counts),
        losses: JSON.stringify(dataset.losses),
        size_bytes: dataset.size_bytes,
        stored_bytes: annotationFiles.reduce((total, file) => total + file.size_bytes, 0),
        stored_files: annotationFiles.length,
        version_hash: dataset.version_hash,
        version_of: dataset.version_of,
        version: dataset.version,
        created_at: context.clock.now(),
      })
      .onConflict((conflict) => conflict.columns(['dataset_id', 'version_hash']).doNothing())
      .returningAll()
      .executeTakeFirst()
    created = row && toSnapshot(row)
  } finally {
    if (created === undefined) await context.store.deletePrefix(snapshotKey(id))
  }
  if (created) return created
  // Another job of the same dataset created it first.
  const winner = await findSnapshot(context, datasetId, dataset.version_hash)
  if (winner === undefined) throw notFound('dataset', name)
  return winner
}

async function findSnapshot(
  context: DatasetContext,
  datasetId: string,
  versionHash: string,
): Promise<Snapshot | undefined> {
  const row = await context.database.db
    .selectFrom('dataset_snapshots')
    .selectAll()
    .where('dataset_id', '=', datasetId)
    .where('version_hash', '=', versionHash)
    .executeTakeFirst()
  return row && toSnapshot(row)
}
