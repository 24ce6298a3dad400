/**
 * Upload sessions. A blob that comes in one request is stored under its digest, hashed while it arrives; of a blob that is
 * stored already, only the hash is computed. Each of several requests is stored as a temporary object until the digest is known.
 *
 * S3 multipart uploads do not fit: every part but the last must have 5 MiB, clients send chunks of any size, and replicas
 * cannot share a running hash. Docker sends one streamed PATCH: that object is renamed and never read again. Only several
 * chunks, or a SHA-512 digest, need a second pass.
 */
import { createHash, randomUUID } from 'node:crypto'
import { consumeBody, DatabaseUnavailable, DigestMismatch, errorCode, TrainyardError } from '@trainyard/platform'
import type { Selectable } from 'kysely'
import type { RegistryContext } from '../context.ts'
import type { UploadChunkTable } from '../db/schema/upload-chunks.ts'
import type { UploadTable } from '../db/schema/uploads.ts'
import { bodyOf } from '../oci/bodies.ts'
import { OciError } from '../oci/errors.ts'
import { blobKey, type ParsedDigest, parseDigest } from '../oci/names.ts'
import { parseContentRange } from '../oci/ranges.ts'
import { findReadableBlob } from './blobs.ts'
import { linkPushedBlob } from './link-pushed-blob.ts'
import { requireAnyRoom, withRoom } from './quotas.ts'
import { createRepository, ensureRepository, type RepositoryRequest, requirePush } from './repository.ts'
import { reviewLink } from './reviews.ts'

type Upload = Selectable<UploadTable>

interface StoredChunk {
  key: string
  sizeBytes: number
  sha256: string
}

/** In one folder, so that none is left empty. */
const chunkKey = ({ id, chunks }: Upload) => `${UPLOADS_PREFIX}${id}-${chunks}-${randomUUID()}`
export const UPLOADS_PREFIX = 'uploads/'

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
  if (mount === null && digest === null) {
    await requireAnyRoom(request)
    return progress(request, (await openUpload(request)).id, 0, 202)
  }
  const repository = await ensureRepository(request)
  if (mount !== null) {
    const parsed = parseDigest(mount)
    if (await mountBlob(request, repository.id, parsed.text, url.searchParams.get('from'))) {
      return created(request, parsed.text)
    }
  }
  if (digest !== null && !request.raw.headers.has('content-range')) {
    const parsed = parseDigest(digest)
    const blob = await findBlob(context, parsed.text)
    return await storeWhole(request, parsed, { repositoryId: repository.id, isStored: blob !== undefined })
  }
  if (digest === null) await requireAnyRoom(request)
  const upload = await openUpload(request)
  if (digest === null) return progress(request, upload.id, 0, 202)
  try {
    const parsed = parseDigest(digest)
    await append(request, upload)
    return await commit(request, upload, parsed)
  } catch (error) {
    await discardUpload(context, upload.id)
    throw error
  }
}

/** One statement, but for the first push to a repository. */
async function openUpload(request: RepositoryRequest): Promise<Upload> {
  const { context, caller, name } = request
  const id = randomUUID()
  const [opened] = await context.database.query<Upload>(
    {
      name: 'open-upload',
      text: `
        insert into uploads (id, repository_id, opened_by) select $1, id, $2 from repositories where name = $3
        returning ${UPLOAD_COLUMNS}`,
    },
    [id, caller.subject, name],
  )
  if (opened !== undefined) return opened
  return await createRepository(request, async (trx, repository) => {
    const values = { id, repository_id: repository.id, opened_by: caller.subject }
    return await trx.insertInto('uploads').values(values).returningAll().executeTakeFirstOrThrow()
  })
}

/** Prepared statements name their columns: their result must not change when a migration adds one. */
const UPLOAD_COLUMNS = 'uploads.id, repository_id, size_bytes, chunks, opened_by, uploads.created_at'

async function findBlob({ database }: RegistryContext, digest: string): Promise<{ size_bytes: number } | undefined> {
  return await database.db.selectFrom('blobs').select('size_bytes').where('digest', '=', digest).executeTakeFirst()
}

/** PATCH: appends the body to the session. */
export async function patchUpload(request: RepositoryRequest, uploadId: string): Promise<Response> {
  const upload = await getUpload(request, uploadId)
  return progress(request, uploadId, await append(request, upload), 202)
}

/** PUT: appends the body and ends the session. Fails, and discards the bytes, if the digest does not match. */
export async function finishUpload(request: RepositoryRequest, uploadId: string): Promise<Response> {
  requirePush(request)
  const text = request.url.searchParams.get('digest')
  const digest = text === null ? undefined : parseDigest(text)
  const { isStored, ...upload } = await getUploadOf(request, uploadId, digest?.text ?? '')
  if (digest === undefined)
    throw new OciError('DIGEST_INVALID', 'the query parameter "digest" is missing; expected the digest of the blob')
  if (upload.chunks === 0 && !request.raw.headers.has('content-range'))
    return await storeWhole(request, digest, { repositoryId: upload.repository_id, uploadId, isStored })
  await append(request, upload)
  return commit(request, upload, digest)
}

/** Stores the body under its digest, which ends the session if there is one. */
async function storeWhole(
  request: RepositoryRequest,
  digest: ParsedDigest,
  target: { repositoryId: number; uploadId?: string | undefined; isStored: boolean },
): Promise<Response> {
  const { context, raw } = request
  const { repositoryId, uploadId, isStored } = target
  const needed = { digest: digest.text, sizeBytes: Number(raw.headers.get('content-length') ?? 0) }
  try {
    await withRoom(request, needed, async (measure) => {
      const body = measure(confirmed(request))
      const sizeBytes = isStored
        ? await verifyBody(body, digest)
        : (await context.store.put(blobKey(digest.text), body, { digest: digest.text })).sizeBytes
      await linkPushedBlob(context, { digest: digest.text, sizeBytes, repositoryId, uploadId, isStored })
    })
  } catch (error) {
    if (!(error instanceof DigestMismatch)) throw error
    if (uploadId !== undefined) await discardUpload(context, uploadId)
    throw wrongDigest(error.actual, digest.text)
  }
  return created(request, digest.text)
}

/** The body, which fails at its end if the caller may no longer push: then nothing of it is stored. */
async function* confirmed(request: RepositoryRequest): AsyncGenerator<Uint8Array> {
  yield* bodyOf(request.raw)
  await request.confirm()
}

/** The caller must have the bytes: to know their digest is not the right to read them. */
async function verifyBody(body: AsyncIterable<Uint8Array>, { algorithm, hex, text }: ParsedDigest): Promise<number> {
  const { sizeBytes, digests } = await consumeBody(body, { algorithms: [algorithm] })
  if (digests[algorithm] !== hex) throw new DigestMismatch(text, `${algorithm}:${digests[algorithm]}`)
  return sizeBytes
}

function wrongDigest(actual: string, expected: string): OciError {
  return new OciError('DIGEST_INVALID', `the digest of the bytes is ${actual}; expected ${expected}`)
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
  const chunks = await listChunks(context, uploadId)
  await context.database.db.deleteFrom('uploads').where('id', '=', uploadId).execute()
  await deleteChunks(context, chunks)
}

async function deleteChunks({ store }: RegistryContext, chunks: readonly StoredChunk[]): Promise<void> {
  for (const { key } of chunks) await store.delete(key)
}

async function getUpload(request: RepositoryRequest, uploadId: string): Promise<Upload> {
  return await getUploadOf(request, uploadId, '')
}

/** Also whether the blob that the upload is to become is stored already. */
async function getUploadOf(
  request: RepositoryRequest,
  uploadId: string,
  digest: string,
): Promise<Upload & { isStored: boolean }> {
  requirePush(request)
  const { context } = request
  const oldest = new Date(context.clock.now().getTime() - context.config.uploadSeconds * 1000)
  const [upload] = await context.database.query<Upload & { isStored: boolean }>(
    {
      name: 'get-upload',
      text: `
        select ${UPLOAD_COLUMNS}, exists (select 1 from blobs where digest = $4) as "isStored"
        from uploads join repositories on repositories.id = repository_id
        where uploads.id = $1 and repositories.name = $2 and uploads.created_at > $3`,
    },
    [uploadId, request.name, oldest, digest],
  )
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
  if (length === '0') return held

  return await withRoom(request, { sizeBytes: Number(length ?? 0) }, async (measure) => {
    const chunk = await storeChunk(request, chunkKey(upload), measure(confirmed(request)))
    try {
      if (chunk.sizeBytes === 0) {
        await context.store.delete(chunk.key)
        return held
      }
      if (announced !== undefined && chunk.sizeBytes !== announced) {
        throw new OciError('SIZE_INVALID', `Content-Range covers ${announced} bytes, but got ${chunk.sizeBytes}`)
      }
      if (!(await recordChunk(context, upload, chunk))) {
        throw outOfOrder((await getUpload(request, upload.id)).size_bytes)
      }
      return held + chunk.sizeBytes
    } catch (error) {
      // Where the database did not answer, the chunk may be recorded: then it counts. The end of the session removes the rest.
      if (!(error instanceof DatabaseUnavailable)) await context.store.delete(chunk.key).catch(() => undefined)
      throw error
    }
  })
}

async function storeChunk(
  { context: { store } }: RepositoryRequest,
  key: string,
  body: AsyncIterable<Uint8Array>,
): Promise<StoredChunk> {
  try {
    const { sizeBytes, sha256 } = await store.put(key, body)
    return { key, sizeBytes, sha256 }
  } catch (error) {
    // It can be stored under its key although the store failed, for example in the sync of its folder.
    await store.delete(key).catch(() => undefined)
    throw error
  }
}

/** Adds a chunk to the session. Returns false if another request has appended to the session since it was read. */
async function recordChunk(context: RegistryContext, upload: Upload, chunk: StoredChunk): Promise<boolean> {
  const rows = await context.database.query(
    {
      name: 'record-chunk',
      text: `
        with grown as (
          update uploads set chunks = chunks + 1, size_bytes = size_bytes + $4::bigint
          where id = $1 and chunks = $2 returning id)
        insert into upload_chunks (upload_id, number, key, size_bytes, sha256)
        select id, $2, $3, $4, $5 from grown returning upload_id`,
    },
    [upload.id, upload.chunks, chunk.key, chunk.sizeBytes, chunk.sha256],
  )
  return rows.length > 0
}

/** Turns the session's chunks into the blob `digest`. */
async function commit(request: RepositoryRequest, upload: Upload, digest: ParsedDigest): Promise<Response> {
  const { context } = request
  const chunks = await listChunks(context, upload.id)
  let whole = await assemble(context, upload, { chunks, digest })
  const temporary = [...chunks, whole]
  if (whole.hex !== digest.hex && endsTwice(chunks)) {
    whole = await assemble(context, upload, { chunks: chunks.slice(0, -1), digest })
    temporary.push(whole)
  }
  if (whole.hex !== digest.hex) {
    await context.database.db.deleteFrom('uploads').where('id', '=', upload.id).execute()
    await deleteChunks(context, temporary)
    throw wrongDigest(`${digest.algorithm}:${whole.hex}`, digest.text)
  }
  const isStored = (await findBlob(context, digest.text)) !== undefined
  // The object is stored before the rows that refer to it. After a crash in between, the next push overwrites it.
  if (!isStored) await publish(context, whole.key, blobKey(digest.text))
  const { repository_id: repositoryId, id: uploadId } = upload
  await linkPushedBlob(context, { digest: digest.text, sizeBytes: whole.sizeBytes, repositoryId, uploadId, isStored })
  // The blob is stored: an error now would be wrong. What remains has no row, and is collected.
  const unneeded = isStored ? temporary : temporary.filter(({ key }) => key !== whole.key)
  await deleteChunks(context, unneeded).catch((error: unknown) =>
    context.logger.warn({ err: error, uploadId }, 'chunks of a finished upload could not be deleted'),
  )
  return created(request, digest.text)
}

/** Whether the last request was probably sent again after an answer that failed or was lost: the session ends with its bytes twice. */
function endsTwice(chunks: readonly StoredChunk[]): boolean {
  const [last, previous] = [chunks.at(-1), chunks.at(-2)]
  return last !== undefined && last.sha256 === previous?.sha256 && last.sizeBytes === previous.sizeBytes
}

/** Moves the bytes to the key of their digest. An earlier try that failed can have moved them. */
async function publish({ store }: RegistryContext, from: string, to: string): Promise<void> {
  try {
    await store.rename(from, to)
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.code !== 'not_found') throw error
    // Makes sure that they are on the disk under this key; throws when they are not.
    await store.rename(to, to)
  }
}

async function listChunks({ database }: RegistryContext, uploadId: string): Promise<StoredChunk[]> {
  const rows = await database.db
    .selectFrom('upload_chunks')
    .selectAll()
    .where('upload_id', '=', uploadId)
    .orderBy('number')
    .execute()
  return rows.map(toChunk)
}

function toChunk(row: Selectable<UploadChunkTable>): StoredChunk {
  return { key: row.key, sizeBytes: row.size_bytes, sha256: row.sha256 }
}

/** The chunks as one object, hashed with the algorithm of the digest. One chunk is that object already. */
async function assemble(
  context: RegistryContext,
  upload: Upload,
  { chunks, digest }: { chunks: readonly StoredChunk[]; digest: ParsedDigest },
): Promise<StoredChunk & { hex: string }> {
  const [first] = chunks
  if (first !== undefined && chunks.length === 1 && digest.algorithm === 'sha256') {
    const { key, sizeBytes, sha256 } = first
    return { key, sizeBytes, sha256, hex: sha256 }
  }
  const hash = createHash(digest.algorithm)
  const key = chunkKey(upload)
  const read = async function* () {
    for (const chunk of chunks) {
      for await (const bytes of (await context.store.get(chunk.key)).body) {
        hash.update(bytes)
        yield bytes
      }
    }
  }
  const { sizeBytes, sha256 } = await context.store.put(key, read())
  return { key, sizeBytes, sha256, hex: hash.digest('hex') }
}

/** Queues the review of a link, and makes it. Returns false for a blob that was collected meanwhile. */
async function link(
  { database }: RegistryContext,
  repositoryId: number,
  digest: string,
  mountedFrom?: number | undefined,
): Promise<boolean> {
  try {
    await database.transaction(async (trx) => {
      // First, because it waits for a collector that is about to remove the link.
      await reviewLink(trx, { repositoryId, digest })
      await trx
        .insertInto('repository_blobs')
        .values({ repository_id: repositoryId, digest, mounted_from: mountedFrom ?? null })
        .onConflict((conflict) => conflict.columns(['repository_id', 'digest']).doNothing())
        .execute()
    })
    return true
  } catch (error) {
    if (errorCode(error) !== FOREIGN_KEY_VIOLATION) throw error
    return false
  }
}

const FOREIGN_KEY_VIOLATION = '23503'

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
    .select(['repositories.id', 'repositories.name', 'repositories.namespace', 'link.mounted_from'])
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
    // The first of a chain of mounts: what is decided there about the blob counts here.
    const mountedFrom = source.mounted_from ?? source.id
    const needed = { digest, sizeBytes: readable.sizeBytes }
    if (await withRoom(request, needed, () => link(context, repositoryId, digest, mountedFrom))) return true
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
