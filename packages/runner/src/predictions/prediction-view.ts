import type { JobState, Prediction } from '@trainyard/contract'
import { type Selectable, sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { ArtifactsTable } from '../db/schema/artifacts.ts'
import type { JobsTable } from '../db/schema/jobs.ts'
import type { PictureResult, PictureRow } from '../db/schema/pictures.ts'
import { isTerminalJobState } from '../jobs/statuses.ts'

/** A picture with its bytes and its job, as {@link selectPictures} reads it. */
export interface PictureOfJob
  extends PictureRow,
    Pick<Selectable<ArtifactsTable>, 'size_bytes' | 'content_type' | 'storage_key'> {
  job_state: JobState
  job_error: Selectable<JobsTable>['error']
  job_finished_at: Date | null
}

/** Objects of a picture in a list. A picture can have 10,000. */
const LISTED_OBJECTS = 20

const surest = sql<PictureResult | null>`case
  when jsonb_array_length(pictures.result -> 'objects') <= ${sql.lit(LISTED_OBJECTS)} or pictures.result -> 'objects' is null
  then pictures.result
  else pictures.result || jsonb_build_object(
    'objectCount', jsonb_array_length(pictures.result -> 'objects'),
    'objects', (select jsonb_agg(o) from (
      select o from jsonb_array_elements(pictures.result -> 'objects') o
      order by (o ->> 'confidence')::float8 desc limit ${sql.lit(LISTED_OBJECTS)}
    ) found))
  end`

const whole = sql<PictureResult | null>`pictures.result`

export function selectPictures(
  { database }: Pick<RunnerContext, 'database'>,
  { onlySurest = false }: { onlySurest?: boolean } = {},
) {
  return database.db
    .selectFrom('pictures')
    .innerJoin('artifacts', 'artifacts.id', 'pictures.id')
    .innerJoin('jobs', 'jobs.id', 'pictures.job_id')
    .select(['pictures.id', 'pictures.position', 'pictures.job_id', 'pictures.checkpoint_id', 'pictures.name'])
    .select(['pictures.width', 'pictures.height', 'pictures.created_at', 'pictures.finished_at'])
    .select((onlySurest ? surest : whole).as('result'))
    .select(['artifacts.size_bytes', 'artifacts.content_type', 'artifacts.storage_key'])
    .select(['jobs.state as job_state', 'jobs.error as job_error', 'jobs.finished_at as job_finished_at'])
}

/** The public view of a picture. */
export async function toPrediction({ store }: RunnerContext, row: PictureOfJob): Promise<Prediction> {
  const { result, job_state: jobState } = row
  const isOver = isTerminalJobState(jobState)
  const reason = result === null ? (isOver ? reasonOf(row) : undefined) : result.error
  // The trainer knows the picture by its id, people know it by its name.
  const error = reason?.replaceAll(new RegExp(`\\b${row.id}\\.\\w+`, 'g'), () => row.name)
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
    objectCount: error === undefined ? (result?.objectCount ?? result?.objects?.length) : undefined,
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
