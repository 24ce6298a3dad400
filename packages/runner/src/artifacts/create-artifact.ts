import type { CreateArtifactRequest, CreateArtifactResponse, HeldPart, SignedPart } from '@trainyard/contract'
import { type JobTokenClaims, newId, TrainyardError } from '@trainyard/platform'
import { getCurrentAttempt } from '../auth/authenticate-trainer.ts'
import type { RunnerContext } from '../context.ts'
import { deleteLater } from '../datasets/index.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { artifactKey } from '../jobs/storage-keys.ts'
import { checkQuota, lockQuota } from './check-quota.ts'
import { MULTIPART_FROM_BYTES, planParts } from './upload-parts.ts'

/**
 * How long the URLs of an upload work: a quarter of an hour, and the time of the file at 1 MiB a second, at most six hours. Afterwards
 * the trainer announces the artifact again, and goes on with what is stored.
 */
function uploadSeconds(sizeBytes: number): number {
  return Math.min(6 * 3600, 900 + Math.ceil(sizeBytes / 1024 ** 2))
}

/** Announces an artifact. The trainer uploads the bytes to the store; the artifact exists once `completeArtifact` has checked them. */
export async function createArtifact(
  context: RunnerContext,
  claims: JobTokenClaims,
  request: CreateArtifactRequest,
): Promise<CreateArtifactResponse> {
  const { job } = await getCurrentAttempt(context, claims, { open: true })
  const { maxArtifactBytes } = context.limits
  if (request.sizeBytes > maxArtifactBytes)
    throw new TrainyardError(
      'payload_too_large',
      `sizeBytes is ${request.sizeBytes}; the limit is ${maxArtifactBytes}`,
      {
        extra: { limits: { maxArtifactBytes } },
      },
    )
  const same = await context.database.db
    .selectFrom('artifacts')
    .selectAll()
    .where('job_id', '=', claims.jobId)
    .where('name', '=', request.name)
    .where('sha256', '=', request.sha256)
    .where('kind', '=', request.kind)
    .where('size_bytes', '=', request.sizeBytes)
    .orderBy('completed_at', (order) => order.asc().nullsLast())
    .executeTakeFirst()
  if (same !== undefined && same.completed_at !== null) return { id: same.id, upload: { type: 'none' } }
  // A repeated announcement gets new signatures: the first response may have been lost.
  const row = same ?? (await announce(context, { claims, job }, request))
  return { id: row.id, upload: await signUpload(context, row) }
}

async function announce(
  context: RunnerContext,
  { claims, job }: { claims: JobTokenClaims; job: JobRow },
  request: CreateArtifactRequest,
): Promise<ArtifactRow> {
  const { database, limits } = context
  const { sizeBytes } = request
  // Without the lock first: what is refused here needs no upload in the store.
  await checkQuota(database.db, limits, { job, sizeBytes })
  const id = newId('art')
  const key = artifactKey(claims.jobId, id, request.name)
  const { contentType } = request
  const inParts = request.sizeBytes >= MULTIPART_FROM_BYTES
  const uploadId = inParts ? (await context.store.createMultipart(key, { contentType })).uploadId : null
  const epoch = request.metadata?.epoch
  const values = {
    id,
    job_id: claims.jobId,
    attempt: claims.attempt,
    kind: request.kind,
    name: request.name,
    size_bytes: sizeBytes,
    sha256: request.sha256,
    content_type: contentType,
    epoch: typeof epoch === 'number' && Number.isInteger(epoch) && epoch >= 0 && epoch < 2 ** 31 ? epoch : null,
    metadata: request.metadata === undefined ? null : JSON.stringify(request.metadata),
    storage_key: key,
    upload_id: uploadId,
    created_at: context.clock.now(),
  }
  try {
    return await database.transaction(async (trx) => {
      await lockQuota(trx, job)
      await checkQuota(trx, limits, { job, sizeBytes })
      return await trx.insertInto('artifacts').values(values).returningAll().executeTakeFirstOrThrow()
    })
  } catch (error) {
    if (uploadId !== null)
      await database.transaction((trx) => deleteLater(trx, [{ prefix: key, uploadId }], context.clock.now()))
    throw error
  }
}

async function signUpload(context: RunnerContext, row: ArtifactRow): Promise<CreateArtifactResponse['upload']> {
  const { store } = context
  const { storage_key: key, size_bytes: sizeBytes } = row
  if (row.upload_id === null) {
    const request = await store.signPut(key, {
      sizeBytes,
      sha256: row.sha256,
      contentType: row.content_type,
      expiresInSeconds: uploadSeconds(sizeBytes),
    })
    return { type: 'single', request }
  }
  const { uploadId, held } = await findHeld(context, row, row.upload_id)
  const heldNumbers = new Set(held.map(({ partNumber }) => partNumber))
  const missing = planParts(sizeBytes).filter(({ partNumber }) => !heldNumbers.has(partNumber))
  const parts = await Promise.all(
    missing.map(async (part): Promise<SignedPart> => {
      const options = {
        partNumber: part.partNumber,
        sizeBytes: part.sizeBytes,
        expiresInSeconds: uploadSeconds(sizeBytes),
      }
      return { ...(await store.signPart(key, uploadId, options)), ...part }
    }),
  )
  return { type: 'parts', parts, held }
}

/** The parts of an interrupted upload that are stored. Starts a new upload when the store has discarded the old one. */
async function findHeld(
  { store, database }: RunnerContext,
  row: ArtifactRow,
  uploadId: string,
): Promise<{ uploadId: string; held: HeldPart[] }> {
  try {
    const sizes = new Map(planParts(row.size_bytes).map((part) => [part.partNumber, part.sizeBytes]))
    const parts = await store.listParts(row.storage_key, uploadId)
    return { uploadId, held: parts.filter(({ partNumber, sizeBytes }) => sizes.get(partNumber) === sizeBytes) }
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.code !== 'not_found') throw error
  }
  const renewed = await store.createMultipart(row.storage_key, { contentType: row.content_type })
  await database.db.updateTable('artifacts').set({ upload_id: renewed.uploadId }).where('id', '=', row.id).execute()
  return { uploadId: renewed.uploadId, held: [] }
}
