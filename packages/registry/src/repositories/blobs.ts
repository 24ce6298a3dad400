import { REDIRECT_EXPIRY_SECONDS, streamOf } from '@trainyard/platform'
import { sql } from 'kysely'
import { isKnownToClient, notModified } from '../oci/conditions.ts'
import { OciError } from '../oci/errors.ts'
import { blobKey, parseDigest } from '../oci/names.ts'
import { parseRange } from '../oci/ranges.ts'
import { countPull } from '../pulls/count-pull.ts'
import { findUnsigned } from '../signatures/find-unsigned.ts'
import { isBlobReadable } from '../versions/readable.ts'
import { auditRepository, getVisibleRepository, mayInspect, type RepositoryRequest } from './repository.ts'
import { requireSigned } from './require-signed.ts'
import { postponeReview, reviewBlobs } from './reviews.ts'

/** Finds a blob that the repository links and, unless the caller is its owner, that strangers may read. */
export async function findReadableBlob(
  request: Pick<RepositoryRequest, 'context' | 'caller' | 'name' | 'plain'>,
  repositoryId: number,
  digest: string,
): Promise<{ sizeBytes: number } | undefined> {
  const row = await request.context.database.db
    .selectFrom('repository_blobs as link')
    .innerJoin('blobs', 'blobs.digest', 'link.digest')
    .select([
      'blobs.size_bytes',
      isBlobReadable(request.context.config, { repositoryId: sql`link.repository_id`, digest: sql`link.digest` }).as(
        'readable',
      ),
    ])
    .where('link.repository_id', '=', repositoryId)
    .where('link.digest', '=', digest)
    .executeTakeFirst()
  if (!row || !(row.readable || mayInspect(request))) return undefined
  // A mount is a pull, too.
  const content = { repositoryId, name: request.name, digest, kind: 'blob' } as const
  if (!request.plain && !mayInspect(request) && (await findUnsigned(request.context, content))) return undefined
  return { sizeBytes: row.size_bytes }
}

interface FoundBlob {
  repositoryId: number
  sizeBytes: number
  isBundle: boolean
}

/** One statement, which every pull of a layer runs. The owner may read all; strangers read what is readable. */
async function findBlobByName(request: RepositoryRequest, digest: string): Promise<FoundBlob | undefined> {
  const { context, name } = request
  if (mayInspect(request)) {
    const text = `
      select r.id as "repositoryId", b.size_bytes as "sizeBytes", false as "isBundle"
      from repositories r join repository_blobs link on link.repository_id = r.id join blobs b on b.digest = link.digest
      where r.name = $1 and link.digest = $2`
    const [blob] = await context.database.query<FoundBlob>({ name: 'blob-of-owner', text }, [name, digest])
    return blob
  }
  const link = { repositoryId: sql`link.repository_id`, digest: sql`link.digest` }
  const { sql: text, parameters } = sql`
    select r.id as "repositoryId", b.size_bytes as "sizeBytes", exists (
      select 1 from version_parts p where p.repository_id = r.id and p.layer_digest = link.digest) as "isBundle"
    from repositories r join repository_blobs link on link.repository_id = r.id join blobs b on b.digest = link.digest
    where r.name = ${name} and link.digest = ${digest} and ${isBlobReadable(context.config, link)}
  `.compile(context.database.db)
  const [blob] = await context.database.query<FoundBlob>({ name: 'blob-of-stranger', text }, parameters)
  return blob
}

/** GET and HEAD of a blob, or of a range of it. */
export async function readBlob(request: RepositoryRequest, digestText: string): Promise<Response> {
  const { context } = request
  const digest = parseDigest(digestText).text
  // A client that pushes asks first, and does not push what the registry has. This waits for a collector that is about to remove it.
  if (request.raw.method === 'HEAD' && request.caller.may('push', request.name))
    await postponeReview(context.database, { repository: request.name, digest })
  const blob = await findBlobByName(request, digest)
  if (!blob) {
    await getVisibleRepository(request)
    throw new OciError('BLOB_UNKNOWN', `"${request.name}" has no blob ${digest}`)
  }
  if (!request.plain) await requireSigned(request, { repositoryId: blob.repositoryId, digest, kind: 'blob' })

  const headers: Record<string, string> & { ETag: string } = {
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': digest,
    'Accept-Ranges': 'bytes',
    ETag: `"${digest}"`,
    'Cache-Control': 'private, max-age=31536000, immutable',
  }
  if (isKnownToClient(request.raw, headers.ETag)) return notModified(headers)
  if (request.raw.method === 'HEAD') {
    return new Response(null, { headers: { ...headers, 'Content-Length': String(blob.sizeBytes) } })
  }
  const range = parseRange(request.raw.headers.get('range'), blob.sizeBytes)
  if (range === 'unsatisfiable') {
    throw new OciError('RANGE_INVALID', `the range lies outside the blob, which has ${blob.sizeBytes} bytes`, {
      headers: { 'Content-Range': `bytes */${blob.sizeBytes}` },
    })
  }
  if (blob.isBundle && range === undefined && !mayInspect(request))
    await countPull({
      ...request,
      userAgent: request.raw.headers.get('user-agent'),
      repositoryId: blob.repositoryId,
      digest,
    })
  if (context.config.redirectPulls) {
    const { tokenId } = request.caller
    const signed = await context.store.signGet(blobKey(digest), {
      expiresInSeconds: REDIRECT_EXPIRY_SECONDS,
      bearer: tokenId === undefined ? undefined : { kind: 'token', id: tokenId },
    })
    return new Response(null, { status: 307, headers: { ...headers, Location: signed.url } })
  }
  const object = await context.store.get(blobKey(digest), { range })
  if (range === undefined) {
    return new Response(streamOf(object.body), { headers: { ...headers, 'Content-Length': String(blob.sizeBytes) } })
  }
  return new Response(streamOf(object.body), {
    status: 206,
    headers: {
      ...headers,
      'Content-Length': String(range.end - range.start + 1),
      'Content-Range': `bytes ${range.start}-${range.end}/${blob.sizeBytes}`,
    },
  })
}

/** Deletes the link of a plain repository to a blob. The bytes stay, because other repositories may link them. */
export async function deleteBlob(request: RepositoryRequest, digestText: string): Promise<Response> {
  const digest = parseDigest(digestText).text
  if (!request.plain) throw new OciError('UNSUPPORTED', 'blobs of trainers cannot be deleted: versions are immutable')
  const repository = await getVisibleRepository(request)
  await request.context.database.transaction(async (trx) => {
    const { numDeletedRows } = await trx
      .deleteFrom('repository_blobs')
      .where('repository_id', '=', repository.id)
      .where('digest', '=', digest)
      .executeTakeFirstOrThrow()
    if (numDeletedRows === 0n) throw new OciError('BLOB_UNKNOWN', `"${request.name}" has no blob ${digest}`)
    await reviewBlobs(trx, [digest])
    await auditRepository(request, trx, { action: 'blob.delete', subject: `${request.name}@${digest}`, data: {} })
  })
  return new Response(null, { status: 202, headers: { 'Content-Length': '0' } })
}
