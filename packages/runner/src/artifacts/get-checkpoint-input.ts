import { TrainyardError } from '@trainyard/platform'
import type { CheckpointInput } from '@trainyard/sdk/contract'
import { getCurrentAttempt } from '../callback/authenticate.ts'
import type { JobClaims, RunnerContext } from '../context.ts'

/** The checkpoint that a job starts from, predicts with or exports. */
export async function getCheckpointInput(context: RunnerContext, claims: JobClaims): Promise<CheckpointInput> {
  const { job } = await getCurrentAttempt(context, claims, { open: true })
  if (job.checkpoint_id === null)
    throw new TrainyardError('not_found', `Job ${job.id} was created without a checkpoint`)
  const row = await context.database.db
    .selectFrom('artifacts')
    .selectAll()
    .where('id', '=', job.checkpoint_id)
    .where('completed_at', 'is not', null)
    .executeTakeFirst()
  if (row === undefined)
    throw new TrainyardError('not_found', `The checkpoint ${job.checkpoint_id} of job ${job.id} has been deleted`)
  return {
    artifactId: row.id,
    name: row.name,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    request: await context.store.signGet(row.storage_key),
  }
}
