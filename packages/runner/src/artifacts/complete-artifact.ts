import { createHash } from 'node:crypto'
import type { Artifact, CompleteArtifactRequest } from '@trainyard/contract'
import { invalidRequest, type JobTokenClaims, notFound, TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import { finished, getCurrentAttempt, superseded } from '../auth/authenticate-trainer.ts'
import type { RunnerContext } from '../context.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import { recordTransfer, transferOf } from '../usage/record-transfer.ts'
import { toArtifact } from './artifact-view.ts'
import { contentTypeOf, HEAD_BYTES } from './content-type.ts'
import { planParts } from './upload-parts.ts'

/** Checks size and digest of the uploaded bytes. Then the artifact exists. Repeating the request has the same result. */
export async function completeArtifact(
  context: RunnerContext,
  claims: JobTokenClaims,
  artifactId: string,
  request: CompleteArtifactRequest,
): Promise<Artifact> {
  await getCurrentAttempt(context, claims, { open: false })
  const row = await context.database.db
    .selectFrom('artifacts')
    .selectAll()
    .where('id', '=', artifactId)
    .where('job_id', '=', claims.jobId)
    .executeTakeFirst()
  if (row === undefined) throw notFound('artifact', artifactId)
  if (row.completed_at !== null) return toArtifact(row)
  await getCurrentAttempt(context, claims, { open: true })

  if (row.upload_id !== null) await joinParts(context, row, row.upload_id, request)
  const head = await checkBytes(context, row)
  const contentType = contentTypeOf(head, row.content_type)
  const done = await context.database.transaction(async (trx) => {
    // Positions are assigned under the job's lock, so that a live stream never skips one that commits late.
    const job = await trx
      .selectFrom('jobs')
      .innerJoin('attempts', (join) =>
        join.onRef('attempts.job_id', '=', 'jobs.id').on('attempts.attempt', '=', claims.attempt),
      )
      .select(['jobs.attempt as current', 'attempts.closed_at', 'attempts.end_reason'])
      .select(['jobs.project_id', 'jobs.created_by', 'jobs.trainer_name', 'jobs.queue'])
      .where('jobs.id', '=', claims.jobId)
      .forUpdate('jobs')
      .executeTakeFirstOrThrow()
    // While the bytes were read, the attempt can have ended: its token ends with it.
    if (job.current > claims.attempt) throw superseded(claims.attempt, job.current)
    if (job.closed_at !== null) throw finished(claims.attempt, job.end_reason)
    const completed = await trx
      .updateTable('artifacts')
      .set({
        completed_at: context.clock.now(),
        upload_id: null,
        content_type: contentType,
        // The attempt that completed the upload, even if an earlier one began it.
        attempt: claims.attempt,
        position: sql<number>`nextval(pg_get_serial_sequence('logs', 'id'))`,
      })
      .where('id', '=', artifactId)
      .where('completed_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
    if (completed !== undefined) await recordTransfer(trx, transferOf(context, job, { uploadedBytes: row.size_bytes }))
    return completed
  })
  context.hub.changed(claims.jobId)
  return toArtifact(done ?? { ...row, content_type: contentType, completed_at: context.clock.now() })
}

async function joinParts(
  context: RunnerContext,
  row: ArtifactRow,
  uploadId: string,
  request: CompleteArtifactRequest,
): Promise<void> {
  // The parts were joined by an earlier request whose response was lost.
  if ((await context.store.find(row.storage_key)) !== undefined) return
  // Trust the store instead of the request: another process may have uploaded some of the parts.
  const held = await context.store.listParts(row.storage_key, uploadId)
  const byNumber = new Map(held.map((part) => [part.partNumber, part]))
  for (const { partNumber, etag } of request.parts ?? []) {
    const seen = byNumber.get(partNumber)?.etag
    if (seen !== etag)
      throw invalidRequest([
        {
          path: 'parts',
          detail:
            seen === undefined
              ? `must be the uploaded parts: part ${partNumber} was not uploaded`
              : `must be the uploaded parts: the ETag of part ${partNumber} is ${seen}`,
          value: etag.slice(0, 100),
        },
      ])
  }
  const planned = planParts(row.size_bytes)
  const missing = planned.filter(({ partNumber, sizeBytes }) => byNumber.get(partNumber)?.sizeBytes !== sizeBytes)
  if (missing.length > 0) {
    const shown = missing.slice(0, 10).map(({ partNumber }) => partNumber)
    const more = missing.length > shown.length ? ` and ${missing.length - shown.length} more` : ''
    throw invalidRequest([
      {
        path: 'parts',
        detail: `must all be uploaded; missing: ${shown.join(', ')}${more}; announce the artifact again`,
      },
    ])
  }
  const parts = planned.map(({ partNumber }) => ({ partNumber, etag: byNumber.get(partNumber)?.etag ?? '' }))
  await context.store.completeMultipart(row.storage_key, uploadId, parts)
}

/** Returns the first bytes, which tell what the file is. */
async function checkBytes(context: RunnerContext, row: ArtifactRow): Promise<Uint8Array> {
  const found = await context.store.find(row.storage_key)
  if (found === undefined)
    throw new TrainyardError('unprocessable', `"${row.name}" has not been uploaded: upload its bytes, then complete it`)
  if (found.sizeBytes !== row.size_bytes)
    await refuse(
      context,
      row,
      `sizeBytes of "${row.name}" is ${found.sizeBytes} in the store, expected ${row.size_bytes}`,
    )
  const hash = createHash('sha256')
  const { body } = await context.store.get(row.storage_key)
  let head = Buffer.alloc(0)
  for await (const chunk of body) {
    hash.update(chunk)
    if (head.length < HEAD_BYTES) head = Buffer.concat([head, Buffer.from(chunk)]).subarray(0, HEAD_BYTES)
  }
  const seen = hash.digest('hex')
  if (seen !== row.sha256)
    await refuse(context, row, `sha256 of "${row.name}" is ${seen} in the store, expected ${row.sha256}`)
  return head
}

/** Deletes the bytes with their announcement, so that the next attempt to upload starts again. */
async function refuse(context: RunnerContext, row: ArtifactRow, detail: string): Promise<never> {
  await context.store.delete(row.storage_key)
  await context.database.db.deleteFrom('artifacts').where('id', '=', row.id).where('completed_at', 'is', null).execute()
  throw new TrainyardError('unprocessable', detail)
}
