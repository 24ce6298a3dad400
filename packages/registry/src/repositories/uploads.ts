/**
 * Upload sessions. Each request is stored as a separate object; the objects are joined when the digest is known.
 *
 * S3 multipart uploads do not fit: every part but the last must have 5 MiB, clients send chunks of any size, and replicas
 * cannot share a running hash. Docker, crane and skopeo send one streamed PATCH or PUT. That is one object, hashed while
 * it arrives, which is renamed and never read again. Only several chunks, or a SHA-512 digest, need a second pass.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { RegistryContext } from '../context.ts'
import type { UploadChunkTable } from '../db/schema/upload-chunks.ts'
import type { UploadTable } from '../db/schema/uploads.ts'
import { bodyOf } from '../oci/bodies.ts'
import { OciError } from '../oci/errors.ts'
import { blobKey, type ParsedDigest, parseDigest } from '../oci/names.ts'
import { parseContentRange } from '../oci/ranges.ts'
import { findReadableBlob } from './blobs.ts'
import { ensureRepository, type RepositoryRequest, requirePush } from './repository.ts'

type Upload = Selectable<UploadTable>

interface StoredChunk {
  key: string
  sizeBytes: number
  sha256: string
}

const prefixOf = (uploadId: string) => `uploads/${uploadId}/`

/** POST: mounts a blob, stores a whole blob, or opens a session. */
export async function startUpload(request: RepositoryRequest): Promise<Response> {
  const { context, url } = request
  requirePush(request)
  const mount = url.searchParams.get('mount')
  const digest = url.searchParams.get('digest')
  const algorithm = url.searchParams.get('digest-algorithm')
  if (algorithm !== null && algorithm !== 'sha256' && algorithm !== 'sha512') {
    throw new OciError('DIGEST_INVALID', `unknown digest algorithm "${algorithm}"; expected sha256 or sha512`)
  }
  const repository = await ensureRepository(request)
  if (mount !== null) {
    const parsed = parseDigest(mount)
    if (await mountBlob(request, repository.id, parsed.text, url.searchParams.get('from'))) {
      return created(request, parsed.text)
    }
  }
  const upload = await context.database.db
    .insertInto('uploads')
    .values({ id: randomUUID(), repository_id: repository.id, opened_by: request.caller.subject })
    .returningAll()
    .executeTakeFirstOrThrow()
  if (digest === null) return progress(request, upload.id, 0, 202)
  try {
    const parsed = parseDigest(digest)
    await append(request, upload)
    return await commit(request, upload.id, parsed)
  } catch (error) {
    await discardUpload(context, upload.id)
    throw error
  }
}

/** PATCH: appends the body to the session. */
export async function patchUpload(request: RepositoryRequest, uploadId: string): Promise<Response> {
  const upload = await getUpload(request, uploadId)
  return progress(request, uploadId, await append(request, upload), 202)
}

/** PUT: appends the body and ends the session. Fails, and discards the bytes, if the digest does not match. */
export async function finishUpload(request: RepositoryRequest, uploadId: string): Promise<Response> {
  const upload = await getUpload(request, uploadId)
  const text = request.url.searchParams.get('digest')
  if (text === null)
    throw new OciError('DIGEST_INVALID', 'the query parameter "digest" is missing; expected the digest of the blob')
  const digest = parseDigest(text)
  await append(request, upload)
  return commit(request, uploadId, digest)
}

/** GET: the size of the session. */
export async function getUploadStatus(request: RepositoryRequest, uploadId: string): Promise<Response> {
  const upload = await getUpload(request, uploadId)
  return progress(request, uploadId, upload.size_bytes, 204)
}

/** DELETE: cancels the session. */
export async function cancelUpload(request: RepositoryRequest, uploadId: string): Promise<Response> {
  await getUpload(request, uploadId)
  await discardUpload(request.context, uploadId)
  return new Response(null, { status: 204 })
}

export async function discardUpload(context: RegistryContext, uploadId: string): Promise<void> {
  await context.database.db.deleteFrom('uploads').where('id', '=', uploadId).execute()
  await context.store.deletePrefix(prefixOf(uploadId))
}

async function getUpload(request: RepositoryRequest, uploadId: string): Promise<Upload> {
  requirePush(request)
  const { context } = request
  const oldest = new Date(context.clock.now().getTime() - context.config.uploadSeconds * 1000)
  const upload = await context.database.db
    .selectFrom('uploads')
    .innerJoin('repositories', 'repositories.id', 'uploads.repository_id')
    .selectAll('uploads')
    .where('uploads.id', '=', uploadId)
    .where('repositories.name', '=', request.name)
    .where('uploads.created_at', '>', oldest)
    .executeTakeFirst()
  if (!upload)
    throw new OciError('BLOB_UPLOAD_UNKNOWN', 'the upload does not exist: it was finished, cancelled or has expired')
  return upload
}

/** Stores the request's body as the next chunk and returns the new size of the session. */
async function append(request: RepositoryRequest, upload: Upload): Promise<number> {
  const { context } = request
  const held = upload.size_bytes
  const headers = request.raw.headers
  const range = parseContentRange(headers.get('content-range'))
  const outOfOrder = (size: number) =>
    new OciError('RANGE_INVALID', `the upload has ${size} bytes: the next chunk must start at ${size}`, {
      headers: sessionHeaders(request, upload.id, size),
    })
  if (range === 'malformed') {
    throw new OciError('BLOB_UPLOAD_INVALID', 'Content-Range must be "first-last", for example "0-1023"')
  }
  if (range !== undefined && range.start !== held) throw outOfOrder(held)
  const length = headers.get('content-length')
  const announced = range === undefined ? undefined : range.end - range.start + 1
  if (announced !== undefined && length !== null && Number(length) !== 0 && Number(length) !== announced) {
    throw new OciError('SIZE_INVALID', `Content-Range covers ${announced} bytes, but Content-Length is ${length}`)
  }
  if (length === '0' || request.raw.body === null) return held

  const key = `${prefixOf(upload.id)}${upload.chunks}-${randomUUID()}`
  const stored = await context.store.put(key, bodyOf(request.raw))
  try {
    if (stored.sizeBytes === 0) {
      await context.store.delete(key)
      return held
    }
    if (announced !== undefined && stored.sizeBytes !== announced) {
      throw new OciError('SIZE_INVALID', `Content-Range covers ${announced} bytes, but got ${stored.sizeBytes}`)
    }
    const chunk = { key, sizeBytes: stored.sizeBytes, sha256: stored.sha256 }
    if (!(await recordChunk(context, upload, chunk))) {
      throw outOfOrder((await getUpload(request, upload.id)).size_bytes)
    }
    return held + stored.sizeBytes
  } catch (error) {
    await context.store.delete(key).catch(() => undefined)
    throw error
  }
}

/** Adds a chunk to the session. Returns false if another request has appended to the session since it was read. */
async function recordChunk(context: RegistryContext, upload: Upload, chunk: StoredChunk): Promise<boolean> {
  return context.database.transaction(async (trx) => {
    const updated = await trx
      .updateTable('uploads')
      .set({ chunks: upload.chunks + 1, size_bytes: upload.size_bytes + chunk.sizeBytes })
      .where('id', '=', upload.id)
      .where('chunks', '=', upload.chunks)
      .executeTakeFirst()
    if (updated.numUpdatedRows === 0n) return false
    await trx
      .insertInto('upload_chunks')
      .values({
        upload_id: upload.id,
        number: upload.chunks,
        key: chunk.key,
        size_bytes: chunk.sizeBytes,
        sha256: chunk.sha256,
      })
      .execute()
    return true
  })
}

/** Turns the session's chunks into the blob `digest`. */
async function commit(request: RepositoryRequest, uploadId: string, digest: ParsedDigest): Promise<Response> {
  const { context } = request
  const chunks = (
    await context.database.db
      .selectFrom('upload_chunks')
      .selectAll()
      .where('upload_id', '=', uploadId)
      .orderBy('number')
      .execute()
  ).map(toChunk)
  const only = chunks.length === 1 && digest.algorithm === 'sha256' ? chunks[0] : undefined
  const whole = only ? { ...only, hex: only.sha256 } : await join(context, uploadId, chunks, digest)
  if (whole.hex !== digest.hex) {
    await discardUpload(context, uploadId)
    throw new OciError(
      'DIGEST_INVALID',
      `the digest of the bytes is ${digest.algorithm}:${whole.hex}; expected ${digest.text}`,
    )
  }
  // The object is stored before the rows that refer to it. After a crash in between, the next push overwrites it.
  const exists = await context.store.find(blobKey(digest.text))
  if (!exists || exists.sizeBytes !== whole.sizeBytes) await context.store.rename(whole.key, blobKey(digest.text))
  await context.database.transaction(async (trx) => {
    await trx
      .insertInto('blobs')
      .values({ digest: digest.text, size_bytes: whole.sizeBytes })
      .onConflict((conflict) => conflict.column('digest').doNothing())
      .execute()
    const { repository_id } = await trx
      .deleteFrom('uploads')
      .where('id', '=', uploadId)
      .returning('repository_id')
      .executeTakeFirstOrThrow(() => new OciError('BLOB_UPLOAD_UNKNOWN', 'another request has ended the upload'))
    await link(trx, repository_id, digest.text)
  })
  await context.store.deletePrefix(prefixOf(uploadId))
  return created(request, digest.text)
}

function toChunk(row: Selectable<UploadChunkTable>): StoredChunk {
  return { key: row.key, sizeBytes: row.size_bytes, sha256: row.sha256 }
}

/** Joins the chunks into one object, hashing it with the algorithm of the digest. */
async function join(
  context: RegistryContext,
  uploadId: string,
  chunks: readonly StoredChunk[],
  digest: ParsedDigest,
): Promise<{ key: string; sizeBytes: number; hex: string }> {
  const hash = createHash(digest.algorithm)
  const key = `${prefixOf(uploadId)}whole-${randomUUID()}`
  const read = async function* () {
    for (const chunk of chunks) {
      for await (const bytes of (await context.store.get(chunk.key)).body) {
        hash.update(bytes)
        yield bytes
      }
    }
  }
  const stored = await context.store.put(key, read())
  return { key, sizeBytes: stored.sizeBytes, hex: hash.digest('hex') }
}

async function link(db: RegistryContext['database']['db'], repositoryId: number, digest: string): Promise<void> {
  await db
    .insertInto('repository_blobs')
    .values({ repository_id: repositoryId, digest })
    .onConflict((conflict) => conflict.columns(['repository_id', 'digest']).doNothing())
    .execute()
}

/** Links a blob that the caller can read in another repository. Blobs that it cannot read are treated as missing. */
async function mountBlob(
  request: RepositoryRequest,
  repositoryId: number,
  digest: string,
  from: string | null,
): Promise<boolean> {
  const { context } = request
  const sources = await context.database.db
    .selectFrom('repository_blobs as link')
    .innerJoin('repositories', 'repositories.id', 'link.repository_id')
    .select(['repositories.id', 'repositories.name', 'repositories.namespace'])
    .where('link.digest', '=', digest)
    .$if(from !== null, (query) => query.where('repositories.name', '=', from))
    .limit(50)
    .execute()
  for (const source of sources) {
    const plain = context.config.plainNamespaces.includes(source.namespace)
    const readable = await findReadableBlob(
      { context, caller: request.caller, name: source.name, plain },
      source.id,
      digest,
    )
    if (!readable) continue
    await link(context.database.db, repositoryId, digest)
    return true
  }
  return false
}

/** `Range` ends with the last byte that is stored. An empty session also has `0-0`, which is what clients expect. */
function sessionHeaders(request: RepositoryRequest, uploadId: string, sizeBytes: number): Record<string, string> {
  return {
    Location: `/v2/${request.name}/blobs/uploads/${uploadId}`,
    Range: `0-${Math.max(0, sizeBytes - 1)}`,
    'Docker-Upload-UUID': uploadId,
  }
}

function progress(request: RepositoryRequest, uploadId: string, sizeBytes: number, status: 202 | 204): Response {
  const headers = sessionHeaders(request, uploadId, sizeBytes)
  if (status === 202) headers['Content-Length'] = '0'
  return new Response(null, { status, headers })
}

function created(request: RepositoryRequest, digest: string): Response {
  return new Response(null, {
    status: 201,
    headers: {
      Location: `/v2/${request.name}/blobs/${digest}`,
      'Docker-Content-Digest': digest,
      'Content-Length': '0',
    },
  })
}
