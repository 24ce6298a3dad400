import type { DatasetFormat, TaskType } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { keyOf } from '../jobs/read-attempts.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import type { WantedDataset } from './answer-filler.ts'

/** What one attempt wants to be in the cache. */
export interface Wish extends AttemptRef, WantedDataset {
  format: DatasetFormat | ''
  whole: boolean
  taskType: TaskType
  state: 'wanted' | 'ready' | 'failed'
  /** Which entry it was told of. */
  key: string | null
}

export const wishId = ({ jobId, attempt, format, whole }: Wish): string => `${jobId}.${attempt} ${format} ${whole}`

/** The wishes of these attempts. */
export async function readWishes({ database }: RunnerContext, refs: readonly AttemptRef[]): Promise<Wish[]> {
  const attempts = new Set(refs.map(keyOf))
  const wishes = await database.db
    .selectFrom('cache_fills as f')
    .innerJoin('jobs as j', 'j.id', 'f.job_id')
    .select(['f.job_id as jobId', 'f.attempt', 'f.format', 'f.whole', 'f.state', 'f.key'])
    .select(['j.snapshot_id as snapshotId', 'j.split_id as splitId', 'j.task_type as taskType'])
    .where('f.job_id', '=', sql<number>`any(${refs.map(({ jobId }) => jobId)}::bigint[])`)
    .$narrowType<{ snapshotId: string }>()
    .execute()
  return wishes.filter((wish) => attempts.has(keyOf(wish)))
}

/** The keys that attempts were told of and may be reading, on whatever machine. */
export async function readKeysInUse({ database }: RunnerContext): Promise<string[]> {
  const rows = await database.db
    .selectFrom('cache_fills as f')
    .innerJoin('attempts as a', (join) => join.onRef('a.job_id', '=', 'f.job_id').onRef('a.attempt', '=', 'f.attempt'))
    .select('f.key')
    .distinct()
    .where('a.cleaned_at', 'is', null)
    .where('f.key', 'is not', null)
    .$narrowType<{ key: string }>()
    .execute()
  return rows.map(({ key }) => key)
}
