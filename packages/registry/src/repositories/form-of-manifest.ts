import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import type { ManifestForm } from '../db/schema/manifests.ts'
import { blobKey } from '../oci/names.ts'
import type { ParsedManifest } from '../oci/parse-manifest.ts'
import { isTarHeader } from '../oci/tar-header.ts'

/** An SBOM of a large image has some megabytes. */
const MAX_BLOB_BYTES = 16 * 1024 * 1024
const MAX_TOTAL_BYTES = 32 * 1024 * 1024
const MAX_LAYERS = 100
const TAR_BLOCK = 512
/** Layers that container engines unpack, whatever is in them. */
const FILE_SYSTEM = /^application\/vnd\.(oci\.image\.layer|docker\.image\.rootfs|trainyard\.trainer)\./
/** Signatures in CBOR, the only ones that are not text. */
const COSE = 'application/cose'
const MAX_COSE_BYTES = 64 * 1024

/**
 * Decides what a pushed manifest is. An attachment is opened to strangers without a check, together with what it is attached
 * to, so it must be harmless: small texts that no container engine can run.
 */
export async function formOf(
  context: RegistryContext,
  manifest: ParsedManifest,
  repositoryId: number,
): Promise<ManifestForm> {
  const { form } = manifest
  if (form === 'bundle') return form
  const attachment =
    form === 'index'
      ? await listsOnlyAttachments(context, manifest, repositoryId)
      : await hasOnlyTexts(context, manifest, repositoryId)
  return attachment ? 'attachment' : form
}

async function listsOnlyAttachments(
  { database }: RegistryContext,
  { children }: ParsedManifest,
  repositoryId: number,
): Promise<boolean> {
  if (children.length === 0 || children.length > MAX_LAYERS) return false
  const digests = [...new Set(children.map(({ digest }) => digest))]
  const rows = await database.db
    .selectFrom('manifests')
    .select('form')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', sql<string>`any(${digests})`)
    .execute()
  return rows.length === digests.length && rows.every(({ form }) => form === 'attachment')
}

async function hasOnlyTexts(
  context: RegistryContext,
  manifest: ParsedManifest,
  repositoryId: number,
): Promise<boolean> {
  const { descriptors, form } = manifest
  const layers = descriptors.slice(1)
  // An image without layers is still an image. An artifact can do without: its annotations say everything.
  if (form === 'image' && layers.length === 0) return false
  if (layers.length > MAX_LAYERS || layers.some(({ mediaType }) => FILE_SYSTEM.test(mediaType))) return false
  const digests = [...new Set(descriptors.map(({ digest }) => digest))]
  const sizes = await context.database.db
    .selectFrom('repository_blobs')
    .innerJoin('blobs', 'blobs.digest', 'repository_blobs.digest')
    .select(['blobs.digest', 'blobs.size_bytes'])
    .where('repository_id', '=', repositoryId)
    .where('blobs.digest', '=', sql<string>`any(${digests})`)
    .execute()
  if (sizes.length < digests.length || sizes.some(({ size_bytes }) => size_bytes > MAX_BLOB_BYTES)) return false
  if (sizes.reduce((sum, { size_bytes }) => sum + size_bytes, 0) > MAX_TOTAL_BYTES) return false
  for (const { digest, size_bytes } of sizes) {
    const isCose = descriptors.some((descriptor) => descriptor.digest === digest && descriptor.mediaType === COSE)
    if (isCose && form === 'artifact' && size_bytes <= MAX_COSE_BYTES) continue
    if (!(await isText((await context.store.get(blobKey(digest))).body))) return false
  }
  return true
}

/** Whether bytes are UTF-8 without NUL, and not an archive in disguise. */
async function isText(source: AsyncIterable<Uint8Array>): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let head = Buffer.alloc(0)
  try {
    for await (const chunk of source) {
      if (chunk.includes(0)) return false
      decoder.decode(chunk, { stream: true })
      if (head.byteLength < TAR_BLOCK) head = Buffer.concat([head, chunk.subarray(0, TAR_BLOCK - head.byteLength)])
    }
    decoder.decode()
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
  return !isTarHeader(head)
}
