/**
 * Upload sessions. The bytes of each request become an object of their own, and are joined when the digest is known.
 *
 * Why not multipart uploads: S3 wants 5 MiB in every part but the last, and clients send chunks of any size; a running
 * hash cannot be handed from one replica to the next. What docker, crane and skopeo do, one streamed PATCH or PUT, makes
 * one object that was hashed as it came in: it is renamed, and never read again. Only several chunks, or a SHA-512
 * digest, which nobody announces beforehand, cost a second pass.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { RegistryContext } from '../context.ts'
import type { UploadChunkTable } from '../db/schema/upload-chunks.ts'
import type { UploadTable } from '../db/schema/uploads.ts'
import { OciError } from '../oci/errors.ts'
import { blobKey, type ParsedDigest, parseDigest } from '../oci/names.ts'
import { parseContentRange } from '../oci/ranges.ts'
import { bodyOf } from '../oci/streams.ts'
import { findReadableBlob } from './blobs.ts'
import { ensureRepository, type RepositoryRequest, requirePush } from './repository.ts'

type Upload = Selectable<UploadTable>

interface StoredChunk {
  key: string
  sizeBytes: number
  sha256: string
}

const prefixOf = (uploadId: string) => `uploads/${uploadId}/`

/** POST: mounts, takes a whole blob, or opens a session. */
export async function startUpload(request: RepositoryRequest): Promise<Response> {
  const { context, url } = request
  requirePush(request)
  const mount = url.searchParams.get('mount')
  const digest = url.searchParams.get('digest')
  const algorithm = url.searchParams.get('digest-algorithm')
  if (algorithm !== null && algorithm !== 'sha256' && algorithm !== 'sha512') {
    throw new OciError('DIGEST_INVALID', `the digest algorithm "${algorithm}" is not known; wanted sha256 or sha512`)
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

/** PUT: appends what is left, and ends the session with a blob, or with nothing when the digest is another. */
export async function finishUpload(request: RepositoryRequest, uploadId: string): Promise<Response> {
  const upload = await getUpload(request, uploadId)
  const text = request.url.searchParams.get('digest')
  if (text === null) throw new OciError('DIGEST_INVALID', 'the query has no "digest": say which blob this is')
  const digest = parseDigest(text)
  await append(request, upload)
  return commit(request, uploadId, digest)
}

/** GET: how far the session is. */
export async function getUploadStatus(request: RepositoryRequest, uploadId: string): Promise<Response> {
  const upload = await getUpload(request, uploadId)
  return progress(request, uploadId, upload.size_bytes, 204)
}

/** DELETE: gives the session up. */
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
  if (!upload) throw new OciError('BLOB_UPLOAD_UNKNOWN', 'there is no such upload: it has ended, or was given up')
  return upload
}

/** Stores the request's body as the next chunk; answers with the size that the session then has. */
async function append(request: RepositoryRequest, upload: Upload): Promise<number> {
  const { context } = request
  const held = upload.size_bytes
  const headers = request.request.headers
  const range = parseContentRange(headers.get('content-range'))
  const outOfOrder = (size: number) =>
    new OciError('RANGE_INVALID', `the upload holds ${size} bytes: the next chunk begins at ${size}`, {
      headers: sessionHeaders(request, upload.id, size),
    })
  if (range === 'malformed') {
    throw new OciError('BLOB_UPLOAD_INVALID', 'Content-Range must be "first-last", for example "0-1023"')
  }
  if (range !== undefined && range.start !== held) throw outOfOrder(held)
  const length = headers.get('content-length')
  if (
    range !== undefined &&
    length !== null &&
    Number(length) !== 0 &&
    Number(length) !== range.end - range.start + 1
  ) {
    throw new OciError('SIZE_INVALID', `Content-Range covers ${range.end - range.start + 1} bytes, the body ${length}`)
  }
  if (length === '0' || request.request.body === null) return held

  const key = `${prefixOf(upload.id)}${upload.chunks}-${randomUUID()}`
  const stored = await context.store.put(key, bodyOf(request.request))
  try {
    if (stored.sizeBytes === 0) {
      await context.store.delete(key)
      return held
    }
    if (range !== undefined && stored.sizeBytes !== range.end - range.start + 1) {
      throw new OciError(
        'SIZE_INVALID',
        `Content-Range said ${range.end - range.start + 1} bytes, ${stored.sizeBytes} came`,
      )
    }
    const size = held + stored.sizeBytes
    const won = await context.database.transaction(async (trx) => {
      // Of two requests that append at once, the one that finds the session as it first saw it wins.
      const updated = await trx
        .updateTable('uploads')
        .set({ chunks: upload.chunks + 1, size_bytes: size })
        .where('id', '=', upload.id)
        .where('chunks', '=', upload.chunks)
        .executeTakeFirst()
      if (updated.numUpdatedRows === 0n) return false
      await trx
        .insertInto('upload_chunks')
        .values({
          upload_id: upload.id,
          number: upload.chunks,
          key,
          size_bytes: stored.sizeBytes,
          sha256: stored.sha256,
        })
        .execute()
      return true
    })
    if (!won) throw outOfOrder((await getUpload(request, upload.id)).size_bytes)
    return size
  } catch (error) {
    await context.store.delete(key).catch(() => undefined)
    throw error
  }
}

/** Turns the session's bytes into the blob `digest`. */
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
  const whole = only ?? (await join(context, uploadId, chunks, digest))
  const seen = only ? only.sha256 : whole.sha256
  if (seen !== digest.hex) {
    await discardUpload(context, uploadId)
    throw new OciError('DIGEST_INVALID', `the bytes have the digest ${digest.algorithm}:${seen}, not ${digest.text}`)
  }
  // The bytes are in place before any row says so; a crash in between leaves an object that the next push overwrites.
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
      .executeTakeFirstOrThrow(
        () => new OciError('BLOB_UPLOAD_UNKNOWN', 'the upload was ended by another request meanwhile'),
      )
    await link(trx, repository_id, digest.text)
  })
  await context.store.deletePrefix(prefixOf(uploadId))
  return created(request, digest.text)
}

function toChunk(row: Selectable<UploadChunkTable>): StoredChunk {
  return { key: row.key, sizeBytes: row.size_bytes, sha256: row.sha256 }
}

/** Joins the chunks into one object; `sha256` of the answer is the hash by the digest's own algorithm. */
async function join(
  context: RegistryContext,
  uploadId: string,
  chunks: readonly StoredChunk[],
  digest: ParsedDigest,
): Promise<StoredChunk> {
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
  return { key, sizeBytes: stored.sizeBytes, sha256: hash.digest('hex') }
}

async function link(db: RegistryContext['database']['db'], repositoryId: number, digest: string): Promise<void> {
  await db
    .insertInto('repository_blobs')
    .values({ repository_id: repositoryId, digest })
    .onConflict((conflict) => conflict.columns(['repository_id', 'digest']).doNothing())
    .execute()
}

/** Links a blob that the caller may read elsewhere. A blob that is not there and one that is not theirs look the same. */
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
    const readable = await findReadableBlob({ ...request, ...source, plain }, source.id, digest)
    if (!readable) continue
    await link(context.database.db, repositoryId, digest)
    return true
  }
  return false
}

/** `Range` is the last byte that is held, so nothing held is `0-0` too: clients know no other way to write it. */
function sessionHeaders(request: RepositoryRequest, uploadId: string, sizeBytes: number): Record<string, string> {
  return {
    Location: `/v2/${request.name}/blobs/uploads/${uploadId}`,
    Range: `0-${Math.max(0, sizeBytes - 1)}`,
    'Docker-Upload-UUID': uploadId,
  }
}

function progress(request: RepositoryRequest, uploadId: string, sizeBytes: number, status: 202 | 204): Response {
  const length: Record<string, string> = status === 202 ? { 'Content-Length': '0' } : {}
  return new Response(null, { status, headers: { ...sessionHeaders(request, uploadId, sizeBytes), ...length } })
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
