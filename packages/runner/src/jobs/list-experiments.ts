import type { JobExperiment } from '@trainyard/contract'
import type { Kysely } from 'kysely'
import type { ExperimentRow } from '../db/schema/experiments.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'

/** What the backends have of a job's newest attempt. */
export async function listExperiments(
  db: Kysely<RunnerDatabase>,
  ref: { jobId: number; attempt: number },
): Promise<JobExperiment[]> {
  const rows = await db
    .selectFrom('experiments')
    .selectAll()
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .orderBy('backend')
    .execute()
  return rows.map((row) => ({
    backend: row.backend,
    state: stateOf(row),
    ...(row.url === null ? {} : { url: row.url }),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
  }))
}

function stateOf(row: ExperimentRow): JobExperiment['state'] {
  if (row.state === 'given_up') return 'given_up'
  if (row.failures > 0) return 'failing'
  return row.state === 'waiting' ? 'waiting' : row.state
}
