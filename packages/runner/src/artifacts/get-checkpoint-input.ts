import type { CheckpointInput } from '@trainyard/contract'
import { type JobTokenClaims, TrainyardError } from '@trainyard/platform'
import { getCurrentAttempt } from '../auth/authenticate-trainer.ts'
import type { RunnerContext } from '../context.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { recordTransfer, transferOf } from '../usage/record-transfer.ts'
import { findResumeCheckpoint } from './find-resume-checkpoint.ts'

/**
 * The checkpoint from which an attempt starts: one of an earlier attempt of the job, else the one that the job was created
 * with, to fine-tune, predict with or export.
 */
export async function getCheckpointInput(context: RunnerContext, claims: JobTokenClaims): Promise<CheckpointInput> {
  const { job } = await getCurrentAttempt(context, claims, { open: true })
  const own = await findResumeCheckpoint(context, job)
  if (own !== undefined) {
    const { attempt, epoch } = own
    return { ...(await toInput(context, job, own)), resume: { attempt, epoch: epoch ?? undefined } }
  }
  if (job.checkpoint_id === null)
    throw new TrainyardError(
      'not_found',
      job.attempt === 1
        ? `Job ${job.id} was created without a checkpoint`
        : `Job ${job.id} was created without a checkpoint, and its earlier attempts saved none`,
    )
  const row = await context.database.db
    .selectFrom('artifacts')
    .selectAll()
    .where('id', '=', job.checkpoint_id)
    .where('completed_at', 'is not', null)
    .executeTakeFirst()
  if (row === undefined)
    throw new TrainyardError('not_found', `The checkpoint ${job.checkpoint_id} of job ${job.id} has been deleted`)
  return await toInput(context, job, row)
}

async function toInput(context: RunnerContext, job: JobRow, row: ArtifactRow): Promise<CheckpointInput> {
  await recordTransfer(context.database.db, transferOf(context, job, { downloadedBytes: row.size_bytes }))
  return {
    artifactId: row.id,
    name: row.name,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    request: await context.store.signGet(row.storage_key),
  }
}
