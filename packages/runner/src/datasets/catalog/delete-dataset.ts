import { invalidRequest, notFound, TrainyardError } from '@trainyard/platform'
import type { AuditDataset } from '../access.ts'
import type { DatasetContext } from '../context.ts'
import { deleteLater, finishDeletions } from '../storage/pending-deletions.ts'
import { datasetKey, resultKey, snapshotKey } from '../storage/storage-keys.ts'
import { parseVersionName } from './find-version.ts'

const MAX_LISTED_JOBS = 5

/** The ids of the jobs that use a dataset and have not ended. */
export type FindLiveJobs = (datasetId: string) => Promise<number[]>

export interface DeleteDatasetOptions {
  /** Default: no job uses the dataset. */
  findLiveJobs?: FindLiveJobs | undefined
  /** Default: nothing is written to the audit log. */
  audit?: AuditDataset | undefined
}

/**
 * Deletes a dataset with all versions and snapshots. Throws `conflict` while a job that has not ended uses it. The images of a dataset
 * in a bucket are not deleted.
 */
export async function deleteDataset(
  context: DatasetContext,
  id: string,
  { findLiveJobs = async () => [], audit }: DeleteDatasetOptions = {},
): Promise<void> {
  if (parseVersionName(id)?.id !== id)
    throw invalidRequest([
      { path: 'id', detail: 'must name a dataset, without a version: all versions are deleted with it', value: id },
    ])
  await context.database.transaction(async (trx) => {
    // New snapshots and jobs take the same lock, so none is created meanwhile.
    const row = await trx
      .selectFrom('datasets')
      .select(['project_id', 'name'])
      .where('id', '=', id)
      .where('version_of', 'is', null)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw notFound('dataset', id)
    const jobs = await findLiveJobs(id)
    if (jobs.length > 0) throw inUse(id, jobs)
    const versions = await trx.selectFrom('datasets').select('id').where('series_id', '=', id).execute()
    const versionIds = versions.map((version) => version.id)
    const snapshots = await trx
      .selectFrom('dataset_snapshots')
      .select('id')
      .where('dataset_id', 'in', versionIds)
      .execute()
    await trx.deleteFrom('datasets').where('id', '=', id).execute()
    await audit?.(trx, { action: 'dataset.delete', id, name: row.name, projectId: row.project_id })
    const prefixes = [
      ...versionIds.flatMap((versionId) => [datasetKey(versionId), resultKey(versionId)]),
      ...snapshots.map((snapshot) => snapshotKey(snapshot.id)),
    ]
    await deleteLater(
      trx,
      prefixes.map((prefix) => ({ prefix })),
      context.clock.now(),
    )
  })
  // Rows first: objects without a row waste space, but a row without its objects is a broken dataset.
  await finishDeletions(context)
}

function inUse(id: string, jobs: readonly number[]): TrainyardError {
  const more = jobs.length > MAX_LISTED_JOBS ? ` and ${jobs.length - MAX_LISTED_JOBS} more` : ''
  const shown = `${jobs.slice(0, MAX_LISTED_JOBS).join(', ')}${more}`
  const them = jobs.length === 1 ? 'it' : 'them'
  return new TrainyardError(
    'conflict',
    `Dataset ${id} is in use by job ${shown}: cancel ${them}, or wait until ${jobs.length === 1 ? 'it ends' : 'they end'}`,
  )
}
