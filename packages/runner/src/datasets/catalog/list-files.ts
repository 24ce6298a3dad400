import type { DatasetFilesPage, SplitName } from '@trainyard/contract'
import { formatCursor, notFound, parseCursor } from '@trainyard/platform'
import { sql } from 'kysely'
import { z } from 'zod'
import type { DatasetContext } from '../context.ts'
import { imageKey, storeOf } from '../sources/store-of.ts'
import { findVersion } from './find-version.ts'

export interface ListFilesOptions {
  cursor?: string | undefined
  /** Files per page. Default 1,000, at most 5,000. */
  limit?: number | undefined
  /** Include images without a label. Default false. */
  all?: boolean | undefined
  /** Only the image with this path. */
  path?: string | undefined
  /** The split of the job. It overrides the splits of the dataset. */
  splitId?: string | null | undefined
}

/** The content of a cursor. */
const LastPath = z.tuple([z.string()])

export const DEFAULT_FILES_LIMIT = 1_000
export const MAX_FILES_LIMIT = 5_000

/** One page of the images of a snapshot, with signed URLs. */
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
  return await listPage(context, snapshot.dataset_id, options)
}

/** One page of the images of a dataset, with signed URLs. */
export async function listFilesOfDataset(
  context: DatasetContext,
  name: string,
  options: ListFilesOptions = {},
): Promise<DatasetFilesPage> {
  const { id } = await findVersion(context.database.db, name)
  return await listPage(context, id, options)
}

async function listPage(
  context: DatasetContext,
  datasetId: string,
  { cursor, limit = DEFAULT_FILES_LIMIT, all = false, path, splitId }: ListFilesOptions,
): Promise<DatasetFilesPage> {
  const count = Math.min(Math.max(1, limit), MAX_FILES_LIMIT)
  let query = context.database.db
    .selectFrom('dataset_files')
    .select(['path', 'size_bytes', 'sha256', 'split'])
    .where('dataset_id', '=', datasetId)
    .where('role', '=', 'image')
    .orderBy('path')
    .limit(count + 1)
  if (path !== undefined) query = query.where('path', '=', path)
  if (!all) query = query.where('labelled', '=', true)
  if (cursor !== undefined) query = query.where('path', '>', parseCursor(LastPath, cursor)[0])
  const { source } = await context.database.db
    .selectFrom('datasets')
    .select('source')
    .where('id', '=', datasetId)
    .executeTakeFirstOrThrow()
  const store = storeOf(context, source)
  const rows = await query.execute()
  const page = rows.slice(0, count)
  const last = page.at(-1)
  const splits = await splitsOf(
    context,
    splitId,
    page.map(({ path }) => path),
  )
  const files = await Promise.all(
    page.map(async (row) => {
      const { url, expiresAt } = await store.signGet(imageKey(datasetId, source, row.path))
      return {
        path: row.path,
        sizeBytes: row.size_bytes,
        sha256: row.sha256 ?? undefined,
        split: splits.get(row.path) ?? row.split ?? undefined,
        url,
        expiresAt,
      }
    }),
  )
  const hasMore = rows.length > page.length && last !== undefined
  return { files, nextCursor: hasMore ? formatCursor([last.path] satisfies z.infer<typeof LastPath>) : undefined }
}

/** Splits by path, of the job's own split. */
async function splitsOf(
  context: DatasetContext,
  splitId: string | null | undefined,
  paths: readonly string[],
): Promise<ReadonlyMap<string, SplitName>> {
  if (splitId == null || paths.length === 0) return new Map()
  const rows = await context.database.db
    .selectFrom('dataset_split_files')
    .select(['path', 'split'])
    .where('split_id', '=', splitId)
    .where('path', '=', sql<string>`any(${paths}::text[])`)
    .execute()
  return new Map(rows.map(({ path, split }) => [path, split]))
}
