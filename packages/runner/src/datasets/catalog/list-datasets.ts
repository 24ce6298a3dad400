import type { DatasetList } from '@trainyard/contract'
import { formatCursor, parseCursor } from '@trainyard/platform'
import { sql } from 'kysely'
import type { DatasetContext } from '../context.ts'
import { toDataset } from './dataset-view.ts'
import { PageEnd } from './page-end.ts'

/** One page of the datasets of these projects, newest first. */
export async function listDatasets(
  context: DatasetContext,
  options: { projects: readonly string[]; cursor?: string | undefined; limit: number },
): Promise<DatasetList> {
  if (options.projects.length === 0) return { datasets: [] }
  let query = context.database.db
    .selectFrom('datasets')
    .selectAll()
    .where('project_id', 'in', options.projects)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('datasets as newer')
            .select('newer.id')
            .whereRef('newer.series_id', '=', 'datasets.series_id')
            .whereRef('newer.version', '>', 'datasets.version'),
        ),
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(options.limit + 1)
  if (options.cursor !== undefined) {
    const [createdAt, id] = parseCursor(PageEnd, options.cursor)
    query = query.where(sql<boolean>`(created_at, id) < (${createdAt}::timestamptz, ${id})`)
  }
  const rows = await query.execute()
  const page = rows.slice(0, options.limit)
  const last = page.at(-1)
  const hasMore = rows.length > page.length && last !== undefined
  return {
    datasets: page.map(toDataset),
    nextCursor: hasMore ? formatCursor([last.created_at.toISOString(), last.id] satisfies PageEnd) : undefined,
  }
}
