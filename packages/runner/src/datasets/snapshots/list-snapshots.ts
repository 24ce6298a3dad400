import type { SnapshotList, Snapshot as SnapshotView } from '@trainyard/contract'
import { formatCursor, notFound, parseCursor } from '@trainyard/platform'
import { sql } from 'kysely'
import type { SnapshotRow } from '../../db/schema/dataset-snapshots.ts'
import { toSnapshot } from '../catalog/dataset-view.ts'
import { PageEnd } from '../catalog/page-end.ts'
import type { DatasetContext } from '../context.ts'

/** The number of jobs that were created with each of these snapshots. */
export type CountJobs = (snapshotIds: readonly string[]) => Promise<ReadonlyMap<string, number>>

export interface ListSnapshotsOptions {
  /** The id of a dataset. Default: every dataset. */
  dataset?: string | undefined
  cursor?: string | undefined
  limit: number
  /** Ids of the projects whose snapshots are listed. */
  projects: readonly string[]
}

/** One page of snapshots, newest first. */
export async function listSnapshots(
  context: DatasetContext,
  countJobs: CountJobs,
  { dataset, cursor, limit, projects }: ListSnapshotsOptions,
): Promise<SnapshotList> {
  if (projects.length === 0) return { snapshots: [] }
  let query = selectSnapshots(context, projects)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (dataset !== undefined) query = query.where(sql<boolean>`coalesce(version_of, dataset_id) = ${dataset}`)
  if (cursor !== undefined) {
    const [createdAt, id] = parseCursor(PageEnd, cursor)
    query = query.where(sql<boolean>`(created_at, id) < (${createdAt}::timestamptz, ${id})`)
  }
  const rows = await query.execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const jobs = await countJobs(page.map(({ id }) => id))
  const hasMore = rows.length > page.length && last !== undefined
  return {
    snapshots: page.map((row) => toView(row, jobs)),
    nextCursor: hasMore ? formatCursor([last.created_at.toISOString(), last.id] satisfies PageEnd) : undefined,
  }
}

/** Throws `not_found` when no snapshot of these projects has this id. */
export async function getSnapshot(
  context: DatasetContext,
  countJobs: CountJobs,
  id: string,
  projects: readonly string[],
): Promise<SnapshotView> {
  if (projects.length === 0) throw notFound('snapshot', id)
  const row = await selectSnapshots(context, projects).where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw notFound('snapshot', id)
  return toView(row, await countJobs([id]))
}

function toView(row: SnapshotRow, jobs: ReadonlyMap<string, number>): SnapshotView {
  const { versionId: _, ...snapshot } = toSnapshot(row)
  return { ...snapshot, jobs: jobs.get(row.id) ?? 0 }
}

function selectSnapshots(context: DatasetContext, projects: readonly string[]) {
  return context.database.db
    .selectFrom('dataset_snapshots')
    .selectAll()
    .where('dataset_id', 'in', ({ selectFrom }) =>
      selectFrom('datasets').select('id').where('project_id', 'in', projects),
    )
}
