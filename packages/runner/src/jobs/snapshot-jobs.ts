import type { RunnerContext } from '../context.ts'

/** The number of jobs of each snapshot. */
export async function countJobsOfSnapshots(
  context: Pick<RunnerContext, 'database'>,
  ids: readonly string[],
): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const rows = await context.database.db
    .selectFrom('jobs')
    .select(({ fn }) => ['snapshot_id', fn.countAll<string>().as('count')])
    .where('snapshot_id', 'in', ids)
    .groupBy('snapshot_id')
    .execute()
  return new Map(rows.map((row) => [row.snapshot_id ?? '', Number(row.count)]))
}
