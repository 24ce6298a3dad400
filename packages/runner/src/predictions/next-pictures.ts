import type { PictureInputs } from '@trainyard/contract'
import { type JobTokenClaims, TrainyardError } from '@trainyard/platform'
import { getCurrentAttempt } from '../auth/authenticate-trainer.ts'
import type { RunnerContext } from '../context.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { collectResults, imageNameOf } from './collect-results.ts'
import { waitFor } from './wait-for.ts'

/** Pictures in one answer. */
const BATCH = 8

export interface NextPicturesOptions {
  /** Position of the last picture that the trainer has. */
  after: number
  waitSeconds: number
  /** The trainer takes no more pictures after these. */
  last: boolean
  signal?: AbortSignal | undefined
}

/**
 * The next pictures for a trainer. Waits for the first one; `done` when none will come: after the idle time, on a cancel, or as
 * soon as another job waits for the slot.
 *
 * @throws TrainyardError `not_found` for a job that predicts a dataset
 */
export async function nextPictures(
  context: RunnerContext,
  claims: JobTokenClaims,
  { after, waitSeconds, last, signal }: NextPicturesOptions,
): Promise<PictureInputs> {
  const { jobId } = claims
  const found = await waitFor(context, { jobId, waitMs: waitSeconds * 1000, signal }, async () => {
    const { job } = await getCurrentAttempt(context, claims, { open: true })
    if (job.pictures === null) throw new TrainyardError('not_found', `Job ${jobId} predicts a dataset`)
    await collectResults(context, jobId)
    const rows = await readAfter(context, { jobId, after, limit: last ? undefined : BATCH })
    if (rows.length > 0 && !last) return rows
    const ends = last || job.pictures === 'closed' || job.cancel_requested_at !== null || (await isIdle(context, job))
    if (rows.length === 0 && (last ? job.pictures === 'open' : !ends)) return undefined
    // A picture that came meanwhile is read by the next look.
    return (await close(context, jobId, rows.at(-1)?.position ?? after)) ? rows : undefined
  })
  const rows = found ?? []
  const images = rows.map(async (row) => ({
    name: imageNameOf(row.id, row.artifact_name),
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    request: await context.store.signGet(row.storage_key),
  }))
  return {
    images: await Promise.all(images),
    cursor: String(rows.at(-1)?.position ?? after),
    done: found !== undefined && (last || rows.length === 0),
  }
}

async function readAfter(
  { database }: RunnerContext,
  { jobId, after, limit = 1000 }: { jobId: number; after: number; limit?: number | undefined },
) {
  return await database.db
    .selectFrom('pictures')
    .innerJoin('artifacts', 'artifacts.id', 'pictures.id')
    .select(['pictures.id', 'pictures.position'])
    .select(['artifacts.name as artifact_name', 'size_bytes', 'sha256', 'storage_key'])
    .where('pictures.job_id', '=', jobId)
    .where('pictures.position', '>', after)
    .where('pictures.result', 'is', null)
    .orderBy('pictures.position')
    .limit(limit)
    .execute()
}

/** Takes no more pictures, unless one has come meanwhile. Pictures are stored under the same lock. */
async function close(context: RunnerContext, jobId: number, after: number): Promise<boolean> {
  return await context.database.transaction(async (trx) => {
    await trx.selectFrom('jobs').select('id').where('id', '=', jobId).forUpdate().execute()
    const later = await trx
      .selectFrom('pictures')
      .select('id')
      .where('job_id', '=', jobId)
      .where('position', '>', after)
      .where('result', 'is', null)
      .executeTakeFirst()
    if (later !== undefined) return false
    await trx.updateTable('jobs').set({ pictures: 'closed' }).where('id', '=', jobId).execute()
    return true
  })
}

async function isIdle({ database, clock, limits }: RunnerContext, job: JobRow): Promise<boolean> {
  const newest = await database.db
    .selectFrom('pictures')
    .select((eb) => eb.fn.max('created_at').as('at'))
    .where('job_id', '=', job.id)
    .executeTakeFirst()
  const since = newest?.at ?? job.created_at
  if (clock.now().getTime() - since.getTime() > limits.predictorIdleSeconds * 1000) return true
  const unanswered = await database.db
    .selectFrom('pictures')
    .select('id')
    .where('job_id', '=', job.id)
    .where('result', 'is', null)
    .executeTakeFirst()
  if (unanswered !== undefined) return false
  const waiting = await database.db
    .selectFrom('jobs')
    .select('id')
    .where('queue', '=', job.queue)
    .where('state', '=', 'queued')
    .where('lease_owner', 'is', null)
    .executeTakeFirst()
  return waiting !== undefined
}
