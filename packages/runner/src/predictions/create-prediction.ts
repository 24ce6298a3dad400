import { createHash } from 'node:crypto'
import type { Prediction } from '@trainyard/contract'
import { type Caller, newId, notFound, TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import { checkQuota, lockQuota } from '../artifacts/check-quota.ts'
import { removeArtifact } from '../artifacts/delete-artifact.ts'
import { auditJob } from '../auth/audit.ts'
import type { RunnerContext } from '../context.ts'
import { deleteLater, finishDeletions } from '../datasets/index.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { artifactKey } from '../jobs/storage-keys.ts'
import { type CheckedPicture, checkPicture } from './check-picture.ts'
import { findPredictor, isOpen } from './find-predictor.ts'
import { getPrediction } from './get-prediction.ts'

/** Pictures of one job that wait for their prediction. */
const MAX_WAITING = 20
/** Older ones of a checkpoint are deleted. */
const KEPT_PICTURES = 200
/** A job can close while a picture is on its way to it. */
const TRIES = 3

export interface NewPicture {
  jobId: number
  artifactId: string
  name: string
  bytes: Buffer
}

/** Sends a picture to a checkpoint of a job. A job that waits for pictures predicts it; it is started where none runs. */
export async function createPrediction(
  context: RunnerContext,
  caller: Caller,
  picture: NewPicture,
): Promise<Prediction> {
  const { jobId, artifactId, bytes } = picture
  const source = await getJobRow(context.database.db, jobId)
  const checkpoint = await getCheckpoint(context, jobId, artifactId)
  const name = picture.name.slice(0, 200)
  const checked = checkPicture(bytes, name)
  for (let tries = 1; ; tries++) {
    const predictor = await findPredictor(context, caller, { checkpoint, source })
    const id = await store(context, caller, { predictor, checkpoint, name, bytes, ...checked })
    if (id === undefined && tries < TRIES) continue
    if (id === undefined)
      throw new TrainyardError('unavailable', 'The job that predicts just ended. Send the picture again', {
        retryAfterSeconds: 1,
      })
    context.hub.changed(predictor)
    await removeOld(context, artifactId)
    return await getPrediction(context, { jobId, artifactId, predictionId: id })
  }
}

async function getCheckpoint(context: RunnerContext, jobId: number, artifactId: string): Promise<ArtifactRow> {
  const row = await context.database.db
    .selectFrom('artifacts')
    .selectAll()
    .where('id', '=', artifactId)
    .where('job_id', '=', jobId)
    .where('completed_at', 'is not', null)
    .executeTakeFirst()
  if (row === undefined) throw notFound('artifact', artifactId)
  if (row.kind === 'checkpoint') return row
  const detail = `must be a checkpoint: ${row.name} is of kind "${row.kind}"`
  throw new TrainyardError('unprocessable', `Artifact ${artifactId} ${detail}`, {
    issues: [{ path: 'artifactId', detail, value: artifactId }],
  })
}

interface StoredPicture extends CheckedPicture {
  predictor: number
  checkpoint: ArtifactRow
  name: string
  bytes: Buffer
}

/** Undefined when the job takes no more pictures. */
async function store(context: RunnerContext, caller: Caller, picture: StoredPicture): Promise<string | undefined> {
  const { predictor, bytes, contentType, suffix } = picture
  const id = newId('art')
  const artifactName = `pictures/${id}.${suffix}`
  const key = artifactKey(predictor, id, artifactName)
  await context.store.put(key, bytes, { contentType })
  const now = context.clock.now()
  try {
    const isStored = await context.database.transaction(async (trx) => {
      const job = await trx.selectFrom('jobs').selectAll().where('id', '=', predictor).forUpdate().executeTakeFirst()
      if (job === undefined || !isOpen(job)) return false
      const { waiting } = await trx
        .selectFrom('pictures')
        .select((eb) => eb.fn.countAll<number>().as('waiting'))
        .where('job_id', '=', predictor)
        .where('result', 'is', null)
        .executeTakeFirstOrThrow()
      if (Number(waiting) >= MAX_WAITING) throw tooMany(job, Number(waiting))
      await lockQuota(trx, job)
      await checkQuota(trx, context.limits, { job, sizeBytes: bytes.length })
      await trx
        .insertInto('artifacts')
        .values({
          id,
          job_id: predictor,
          attempt: job.attempt,
          kind: 'other',
          name: artifactName,
          size_bytes: bytes.length,
          sha256: createHash('sha256').update(bytes).digest('hex'),
          content_type: contentType,
          storage_key: key,
          created_at: now,
          completed_at: now,
          position: sql<number>`nextval(pg_get_serial_sequence('logs', 'id'))`,
        })
        .execute()
      const { checkpoint, name, width, height } = picture
      const values = { id, job_id: predictor, checkpoint_id: checkpoint.id, name, width, height, created_at: now }
      await trx.insertInto('pictures').values(values).execute()
      const data = { checkpoint: checkpoint.id, picture: name, sizeBytes: bytes.length }
      await auditJob(context.identity, trx, caller, { action: 'picture.predict', job, data })
      return true
    })
    if (isStored) return id
  } catch (error) {
    await forget(context, key)
    throw error
  }
  await forget(context, key)
  return undefined
}

async function forget(context: RunnerContext, key: string): Promise<void> {
  await context.database.transaction((trx) => deleteLater(trx, [{ prefix: key }], context.clock.now()))
}

function tooMany({ id }: JobRow, waiting: number): TrainyardError {
  return new TrainyardError(
    'rate_limited',
    `${waiting} pictures wait for job ${id}, and the limit is ${MAX_WAITING}. Wait until some are predicted`,
    { retryAfterSeconds: 5 },
  )
}

async function removeOld(context: RunnerContext, checkpointId: string): Promise<void> {
  const old = await context.database.db
    .selectFrom('pictures')
    .select(['id', 'job_id'])
    .where('checkpoint_id', '=', checkpointId)
    .orderBy('position', 'desc')
    .offset(KEPT_PICTURES)
    .limit(20)
    .execute()
  for (const { id, job_id: jobId } of old) await removeArtifact(context, jobId, id)
  if (old.length > 0) await finishDeletions(context)
}
