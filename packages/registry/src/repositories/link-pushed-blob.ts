import { errorCode } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { OciError } from '../oci/errors.ts'
import { blobKey } from '../oci/names.ts'

interface PushedBlob {
  digest: string
  sizeBytes: number
  repositoryId: number
  /** The session that ends with the blob. */
  uploadId?: string | undefined
  /** Whether the blob was stored before, so that only its hash was computed. */
  isStored: boolean
}

/**
 * Links a blob whose bytes are stored, and ends its upload. One statement: both happen, or neither. The review comes before the
 * link: it waits for a collector that is about to remove the link.
 */
export async function linkPushedBlob(context: RegistryContext, blob: PushedBlob): Promise<void> {
  const { digest, sizeBytes, repositoryId, uploadId, isStored } = blob
  const rows = await context.database
    .query(
      {
        name: 'link-pushed-blob',
        text: `
          with ended as (delete from uploads where id = $4 returning id),
          pushed as (select $3::integer as repository_id where $4::text is null or exists (select 1 from ended)),
          stored as (
            insert into blobs (digest, size_bytes) select $1, $2 from pushed where not $5::boolean
            on conflict (digest) do nothing),
          queued as (
            insert into link_reviews (repository_id, digest) select repository_id, $1 from pushed
            on conflict (repository_id, digest) do update set queued_at = now() returning repository_id),
          linked as (
            insert into repository_blobs (repository_id, digest) select repository_id, $1 from queued
            on conflict (repository_id, digest) do nothing)
          select repository_id from pushed`,
      },
      [digest, sizeBytes, repositoryId, uploadId ?? null, isStored],
    )
    .catch((error: unknown) => {
      // A foreign key: the blob was collected while it was pushed.
      throw errorCode(error) === '23503' ? collected(digest) : error
    })
  if (rows.length === 0) throw new OciError('BLOB_UPLOAD_UNKNOWN', 'another request has ended the upload')
  // The collector removes the bytes before the row, which this statement waited for: they can only be missing now.
  if (isStored || (await context.store.find(blobKey(digest))) !== undefined) return
  await context.database.transaction(async (trx) => {
    await trx.deleteFrom('repository_blobs').where('digest', '=', digest).execute()
    await trx.deleteFrom('blobs').where('digest', '=', digest).execute()
  })
  throw collected(digest)
}

function collected(digest: string): OciError {
  return new OciError('UNAVAILABLE', `${digest} was removed as unused while it was pushed; push it again`, {
    headers: { 'Retry-After': '1' },
  })
}
