import type { RunnerContext } from '../context.ts'

/** The jobs that have not ended and use a dataset. */
export async function findLiveJobs(context: RunnerContext, datasetId: string): Promise<number[]> {
  const rows = await context.database.db
    .selectFrom('jobs')
    .select('id')
    .where('dataset_id', '=', datasetId)
    .where('state', 'in', ['pending', 'queued', 'running'])
    .orderBy('id')
    .execute()
  return rows.map((row) => row.id)
}
