import type { DatasetVersionList } from '@trainyard/contract'
import { formatCursor, parseCursor } from '@trainyard/platform'
import { z } from 'zod'
import type { DatasetContext } from '../context.ts'
import { toDataset } from './dataset-view.ts'
import { findVersion } from './find-version.ts'

const LastVersion = z.tuple([z.number().int()])

/** One page of the versions of a dataset, newest first. */
export async function listVersions(
  context: DatasetContext,
  name: string,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<DatasetVersionList> {
  const { db } = context.database
  const { series_id: id } = await findVersion(db, name)
  let query = db
    .selectFrom('datasets')
    .selectAll()
    .where('series_id', '=', id)
    .orderBy('version', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) query = query.where('version', '<', parseCursor(LastVersion, cursor)[0])
  const rows = await query.execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const hasMore = rows.length > page.length && last !== undefined
  return {
    versions: page.map(toDataset),
    nextCursor: hasMore ? formatCursor([last.version] satisfies z.infer<typeof LastVersion>) : undefined,
  }
}
