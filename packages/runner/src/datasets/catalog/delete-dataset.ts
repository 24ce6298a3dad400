import { notFound, TrainyardError } from '@trainyard/platform'
import type { AuditDataset } from '../access.ts'
import type { DatasetContext } from '../context.ts'
import { deleteLater, finishDeletions } from '../storage/pending-deletions.ts'
import { datasetKey, snapshotKey } from '../storage/storage-keys.ts'

/** The ids of jobs that still need a dataset: those that are not over. */
export type FindLiveJobs = (datasetId: string) => Promise<number[]>

/**
 * Removes a dataset with its snapshots. Throws `conflict` while a job that is not over uses it. Of a dataset in a bucket
 * only what was copied here goes.
 */
export async function deleteDataset(
  context: DatasetContext,
  id: string,
  { findLiveJobs = async () => [], audit }: { findLiveJobs?: FindLiveJobs; audit?: AuditDataset } = {},
): Promise<void> {
  await context.database.transaction(async (trx) => {
    // The lock keeps new snapshots and jobs out: they take it too.
    const row = await trx
      .selectFrom('datasets')
      .select(['project_id', 'name'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw notFound('dataset', id)
    const jobs = await findLiveJobs(id)
    if (jobs.length > 0) {
      const shown = `${jobs.slice(0, 5).join(', ')}${jobs.length > 5 ? ` and ${jobs.length - 5} more` : ''}`
      throw new TrainyardError(
        'conflict',
        `Dataset ${id} is in use by job ${shown}: cancel ${jobs.length === 1 ? 'it' : 'them'} first, or wait for the end`,
      )
    }
    const snapshots = await trx.selectFrom('dataset_snapshots').select('id').where('dataset_id', '=', id).execute()
    await trx.deleteFrom('datasets').where('id', '=', id).execute()
    await audit?.(trx, { action: 'dataset.delete', id, projectId: row.project_id, data: { name: row.name } })
    const prefixes = [datasetKey(id), ...snapshots.map((snapshot) => snapshotKey(snapshot.id))]
    await deleteLater(
      trx,
      prefixes.map((prefix) => ({ prefix })),
      context.clock.now(),
    )
  })
  // Rows first: objects without a row are waste, a row without its objects is a broken dataset.
  await finishDeletions(context)
}
