import type { JobState, Prediction } from '@trainyard/contract'
import type { Selectable } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { ArtifactsTable } from '../db/schema/artifacts.ts'
import type { JobsTable } from '../db/schema/jobs.ts'
import type { PictureRow } from '../db/schema/pictures.ts'
import { isTerminalJobState } from '../jobs/statuses.ts'

/** A picture with its bytes and its job, as {@link selectPictures} reads it. */
export interface PictureOfJob
  extends PictureRow,
    Pick<Selectable<ArtifactsTable>, 'size_bytes' | 'content_type' | 'storage_key'> {
  job_state: JobState
  job_error: Selectable<JobsTable>['error']
  job_finished_at: Date | null
}

export function selectPictures({ database }: Pick<RunnerContext, 'database'>) {
  return database.db
    .selectFrom('pictures')
    .innerJoin('artifacts', 'artifacts.id', 'pictures.id')
    .innerJoin('jobs', 'jobs.id', 'pictures.job_id')
    .selectAll('pictures')
    .select(['artifacts.size_bytes', 'artifacts.content_type', 'artifacts.storage_key'])
    .select(['jobs.state as job_state', 'jobs.error as job_error', 'jobs.finished_at as job_finished_at'])
}

/** The public view of a picture. */
export async function toPrediction({ store }: RunnerContext, row: PictureOfJob): Promise<Prediction> {
  const { result, job_state: jobState } = row
  const isOver = isTerminalJobState(jobState)
  const error = result === null ? (isOver ? reasonOf(row) : undefined) : result.error
  const { url } = await store.signGet(row.storage_key, { contentType: row.content_type })
  const finishedAt = row.finished_at ?? (isOver ? row.job_finished_at : null)
  return {
    id: row.id,
    checkpoint: row.checkpoint_id,
    job: { id: row.job_id, state: jobState },
    state: error !== undefined ? 'failed' : result === null ? 'waiting' : 'done',
    picture: {
      name: row.name,
      contentType: row.content_type,
      sizeBytes: row.size_bytes,
      width: row.width,
      height: row.height,
      url,
    },
    objects: error === undefined ? result?.objects : undefined,
    inferenceTimeMs: result?.inferenceTimeMs,
    error,
    createdAt: row.created_at.toISOString(),
    finishedAt: finishedAt?.toISOString(),
  }
}

/** Why a job ended without a prediction for a picture. */
function reasonOf({ job_id: id, job_state: state, job_error: error }: PictureOfJob): string {
  if (state === 'cancelled') return `Job ${id} was cancelled before it predicted this picture`
  if (error !== null) return error.message.slice(0, 2000)
  return `Job ${id} ended without a prediction for this picture`
}
