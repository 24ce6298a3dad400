import type { TargetFormat, TaskType } from '@trainyard/contract'
import { sql, type Updateable } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { CacheFillsTable } from '../db/schema/cache-fills.ts'
import { keyOf } from '../jobs/read-attempts.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import type { RequestedDataset } from './answer-filler.ts'

/** A request of an attempt for a dataset in the cache. */
export interface FillRequest extends AttemptRef, RequestedDataset {
  /** Empty for the dataset's own format. */
  format: TargetFormat | ''
  /** Includes images without a label. */
  whole: boolean
  taskType: TaskType
  state: 'wanted' | 'ready' | 'failed'
  /** The key of the entry that was reported to the trainer. */
  key: string | null
}

export const requestId = ({ jobId, attempt, format, whole }: FillRequest): string =>
  `${jobId}.${attempt} ${format} ${whole}`

/** The requests of these attempts. */
export async function readRequests({ database }: RunnerContext, refs: readonly AttemptRef[]): Promise<FillRequest[]> {
  const attempts = new Set(refs.map(keyOf))
  const requests = await database.db
    .selectFrom('cache_fills as f')
    .innerJoin('jobs as j', 'j.id', 'f.job_id')
    .select(['f.job_id as jobId', 'f.attempt', 'f.format', 'f.whole', 'f.state', 'f.key'])
    .select(['j.snapshot_id as snapshotId', 'j.split_id as splitId', 'j.task_type as taskType'])
    .where('f.job_id', '=', sql<number>`any(${refs.map(({ jobId }) => jobId)}::bigint[])`)
    .$narrowType<{ snapshotId: string }>()
    .execute()
  return requests.filter((request) => attempts.has(keyOf(request)))
}

/** Changes the row of a request. */
export async function updateRequest(
  { database }: RunnerContext,
  { jobId, attempt, format, whole }: FillRequest,
  changes: Updateable<CacheFillsTable>,
): Promise<void> {
  await database.db
    .updateTable('cache_fills')
    .set(changes)
    .where((eb) => eb.and({ job_id: jobId, attempt, format, whole }))
    .execute()
}

/** The keys of entries that attempts on any machine may be reading. */
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
