import type { JobExperiment } from '@trainyard/contract'
import type { Kysely } from 'kysely'
import type { ExperimentRow } from '../db/schema/experiments.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'

/** The state of an attempt in each observability backend. */
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
    url: row.url ?? undefined,
    lastError: row.last_error ?? undefined,
  }))
}

function stateOf(row: ExperimentRow): JobExperiment['state'] {
  if (row.state === 'given_up') return 'given_up'
  if (row.failures > 0) return 'failing'
  return row.state === 'waiting' ? 'waiting' : row.state
}
