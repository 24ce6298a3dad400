import type { TrainerUsage } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'

export type RunCounts = Pick<TrainerUsage['versions'][number], 'runs' | 'succeeded' | 'failed' | 'people'> & {
  version: string
  medianTrainSeconds: number | undefined
}

export interface Runs {
  /** How many runs ended, by day. */
  byDay: ReadonlyMap<string, number>
  byVersion: ReadonlyMap<string, RunCounts>
}

/** Runs of a trainer that ended since a day, as runners stated them. Days are in UTC. */
export async function readRuns(
  { database }: RegistryContext,
  { repositoryId, since }: { repositoryId: number; since: string },
): Promise<Runs> {
  const of = sql`from runs where repository_id = ${repositoryId} and ended_at >= ${`${since}T00:00:00Z`}::timestamptz`
  const days = await sql<{ day: string; runs: number }>`
    select to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*)::int as runs ${of} group by 1
  `.execute(database.db)
  const versions = await sql<Omit<RunCounts, 'medianTrainSeconds'> & { median: number | null }>`
    select version, count(*)::int as runs, count(distinct subject)::int as people,
      count(*) filter (where outcome = 'succeeded')::int as succeeded,
      count(*) filter (where outcome = 'failed')::int as failed,
      percentile_cont(0.5) within group (order by seconds)
        filter (where operation = 'train' and outcome = 'succeeded') as median
    ${of} group by version
  `.execute(database.db)
  return {
    byDay: new Map(days.rows.map(({ day, runs }) => [day, runs])),
    byVersion: new Map(
      versions.rows.map(({ median, ...row }) => [row.version, { ...row, medianTrainSeconds: median ?? undefined }]),
    ),
  }
}
