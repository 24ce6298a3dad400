import { notFound } from '@trainyard/platform'
import type { DatasetFilesPage } from '@trainyard/sdk/contract'
import type { DatasetContext } from './context.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { getDataset } from './get-dataset.ts'
import { datasetKey } from './storage-keys.ts'

export interface ListFilesOptions {
  cursor?: string | undefined
  /** Files a page. Default 1,000, at most 5,000. */
  limit?: number | undefined
  /** Also the images without a label. Default false. */
  all?: boolean | undefined
}

export const DEFAULT_FILES_LIMIT = 1_000
export const MAX_FILES_LIMIT = 5_000

/** One page of the images that a snapshot refers to, with signed URLs. */
export async function listDatasetFiles(
  context: DatasetContext,
  snapshotId: string,
  options: ListFilesOptions = {},
): Promise<DatasetFilesPage> {
  const snapshot = await context.database.db
    .selectFrom('dataset_snapshots')
    .select('dataset_id')
    .where('id', '=', snapshotId)
    .executeTakeFirst()
  if (snapshot === undefined) throw notFound('snapshot', snapshotId)
  return listPage(context, snapshot.dataset_id, options)
}

/** The same for a dataset. */
export async function listFilesOfDataset(
  context: DatasetContext,
  datasetId: string,
  options: ListFilesOptions = {},
): Promise<DatasetFilesPage> {
  await getDataset(context, datasetId)
  return listPage(context, datasetId, options)
}

async function listPage(
  context: DatasetContext,
  datasetId: string,
  { cursor, limit = DEFAULT_FILES_LIMIT, all = false }: ListFilesOptions,
): Promise<DatasetFilesPage> {
  const count = Math.min(Math.max(1, limit), MAX_FILES_LIMIT)
  let query = context.database.db
    .selectFrom('dataset_files')
    .select(['path', 'size_bytes', 'sha256', 'split'])
    .where('dataset_id', '=', datasetId)
    .where('role', '=', 'image')
    .orderBy('path')
    .limit(count + 1)
  if (!all) query = query.where('labelled', '=', true)
  if (cursor !== undefined) query = query.where('path', '>', decodeCursor(cursor, 1)[0] ?? '')
  const rows = await query.execute()
  const page = rows.slice(0, count)
  const last = page.at(-1)
  const files = await Promise.all(
    page.map(async (row) => {
      const { url, expiresAt } = await context.store.signGet(datasetKey(datasetId, row.path))
      return {
        path: row.path,
        sizeBytes: row.size_bytes,
        sha256: row.sha256,
        ...(row.split === null ? {} : { split: row.split }),
        url,
        expiresAt,
      }
    }),
  )
  return { files, ...(rows.length > page.length && last ? { nextCursor: encodeCursor([last.path]) } : {}) }
}
