import { createHash } from 'node:crypto'
import type { CreateJobRequest, Job } from '@trainyard/contract'
import { type Caller, TrainyardError } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { toJobFor } from './job-view.ts'

/** The project is excluded: keys are unique in a project, whether it was requested or chosen. */
export function hashRequest({ project: _project, ...request }: CreateJobRequest): string {
  const sorted = JSON.stringify(request, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  return createHash('sha256').update(sorted).digest('hex')
}

/**
 * The job that an earlier request with the same idempotency key created.
 *
 * @throws TrainyardError `conflict` when that request was different
 */
export async function findByIdempotencyKey(
  context: RunnerContext,
  caller: Caller,
  { projectId, request, requestHash }: { projectId: string; request: CreateJobRequest; requestHash: string },
): Promise<Job | undefined> {
  const { idempotencyKey } = request
  if (idempotencyKey === undefined) return undefined
  const row = await context.database.db
    .selectFrom('jobs')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('idempotency_key', '=', idempotencyKey)
    .executeTakeFirst()
  if (row === undefined) return undefined
  if (row.request_hash !== requestHash)
    throw new TrainyardError('conflict', `idempotencyKey "${idempotencyKey}" was used for a different request`, {
      issues: [{ path: 'idempotencyKey', detail: `must be unique: job ${row.id} uses it`, value: idempotencyKey }],
    })
  return toJobFor(caller, row)
}
