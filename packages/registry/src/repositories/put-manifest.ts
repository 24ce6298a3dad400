import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { bodyOf, readLimited } from '../oci/bodies.ts'
import { OciError } from '../oci/errors.ts'
import { isDigest, parseDigest, parseTag } from '../oci/names.ts'
import { MAX_MANIFEST_BYTES, type ParsedManifest, parseManifest } from '../oci/parse-manifest.ts'
import { type ReceiveVersionOptions, receiveVersion } from '../versions/receive-version.ts'
import { isVersionTag } from '../versions/semver.ts'
import { auditRepository, ensureRepository, type RepositoryRequest, requirePush } from './repository.ts'

/** Tags with which clients that do not use the referrers API attach signatures and attestations to a digest. */
const REFERRERS_TAG = /^sha(256|512)-[0-9a-f]{32,128}/

/** PUT of a manifest: stores the exact bytes. A tag that is a semantic version queues the checks of that version. */
export async function putManifest(request: RepositoryRequest, reference: string): Promise<Response> {
  const { context, name } = request
  requirePush(request)
  const expected = isDigest(reference) ? parseDigest(reference) : undefined
  const tags = [...(expected ? [] : [reference]), ...request.url.searchParams.getAll('tag')].map(parseTag)
  for (const tag of tags) checkTag(request, tag)

  const content = await readLimited(bodyOf(request.raw), MAX_MANIFEST_BYTES)
  if (!content) {
    throw new OciError('SIZE_INVALID', `the manifest is larger than ${MAX_MANIFEST_BYTES} bytes`, { status: 413 })
  }
  const manifest = parseManifest(content, request.raw.headers.get('content-type'))
  const algorithm = expected?.algorithm ?? 'sha256'
  const digest = `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`
  if (expected && expected.text !== digest) {
    throw new OciError('DIGEST_INVALID', `the digest of the manifest is ${digest}; expected ${expected.text}`)
  }
  if (manifest.subject !== undefined) parseDigest(manifest.subject)

  const repository = await ensureRepository(request)
  const received = await context.database.transaction(async (trx) => {
    // Serialises pushes to a repository, so that two pushes cannot both create the same version.
    await trx.selectFrom('repositories').select('id').where('id', '=', repository.id).forUpdate().execute()
    await requireReferences(trx, request, repository.id, manifest)
    await storeManifest(trx, repository.id, digest, content, manifest)
    if (tags.length === 0)
      await auditRepository(request, trx, { action: 'manifest.push', subject: `${name}@${digest}`, data: {} })
    const checkIds: string[] = []
    for (const tag of tags) {
      if (!request.plain && isVersionTag(tag)) {
        const audit: ReceiveVersionOptions['audit'] = (entry) => auditRepository(request, trx, entry)
        checkIds.push(
          await receiveVersion(trx, {
            repository,
            version: tag,
            digest,
            manifest,
            pushedBy: request.caller.subject,
            audit,
          }),
        )
        await setTag(trx, request, { repositoryId: repository.id, tag, digest })
        continue
      }
      const before = await setTag(trx, request, { repositoryId: repository.id, tag, digest })
      if (before === digest) continue
      const action = before === undefined ? 'tag.push' : 'tag.move'
      await auditRepository(request, trx, { action, subject: `${name}:${tag}`, data: { digest, before } })
    }
    if (request.plain) await publishPlain(trx, repository.id, digest)
    return checkIds
  })
  for (const checkId of received) await context.database.notify('check_queue', checkId)

  const headers = new Headers({
    Location: `/v2/${name}/manifests/${digest}`,
    'Docker-Content-Digest': digest,
    'Content-Length': '0',
  })
  if (manifest.subject !== undefined) headers.set('OCI-Subject', manifest.subject)
  for (const tag of request.url.searchParams.getAll('tag')) headers.append('OCI-Tag', tag)
  if (received[0] !== undefined) {
    headers.set('Trainyard-Check', received[0])
    headers.set(
      'Warning',
      `299 - "Received. Only its owner can pull it until its checks have passed: /v1/checks/${received[0]}"`,
    )
  }
  return new Response(null, { status: 201, headers })
}

/** Points a tag to a manifest. Returns the digest that it had before. The caller holds the lock on the repository's row. */
async function setTag(
  trx: Transaction<RegistryDatabase>,
  { context }: RepositoryRequest,
  { repositoryId, tag, digest }: { repositoryId: number; tag: string; digest: string },
): Promise<string | undefined> {
  const before = await trx
    .selectFrom('tags')
    .select('digest')
    .where('repository_id', '=', repositoryId)
    .where('name', '=', tag)
    .executeTakeFirst()
  await trx
    .insertInto('tags')
    .values({ repository_id: repositoryId, name: tag, digest })
    .onConflict((conflict) =>
      conflict.columns(['repository_id', 'name']).doUpdateSet({ digest, updated_at: context.clock.now() }),
    )
    .execute()
  return before?.digest
}

function checkTag({ plain, name }: RepositoryRequest, tag: string): void {
  if (plain || isVersionTag(tag) || REFERRERS_TAG.test(tag)) return
  const hint = `push a version instead, for example ${name}:1.0.0`
  throw new OciError(
    'DENIED',
    tag === 'latest'
      ? `"latest" cannot be pushed: it is always the highest published version; ${hint}`
      : `the tag "${tag}" is not a semantic version; ${hint}`,
  )
}

async function requireReferences(
  trx: Transaction<RegistryDatabase>,
  request: RepositoryRequest,
  repositoryId: number,
  manifest: ParsedManifest,
): Promise<void> {
  for (const digest of manifest.blobs) parseDigest(digest)
  for (const child of manifest.children) parseDigest(child.digest)
  if (manifest.blobs.length > 0) {
    const rows = await trx
      .selectFrom('repository_blobs')
      .select('digest')
      .where('repository_id', '=', repositoryId)
      .where('digest', 'in', manifest.blobs)
      .execute()
    const missing = manifest.blobs.find((digest) => !rows.some((row) => row.digest === digest))
    if (missing !== undefined) {
      throw new OciError(
        'MANIFEST_BLOB_UNKNOWN',
        `the manifest refers to the blob ${missing}, which was not pushed to this repository`,
        {
          detail: { digest: missing },
        },
      )
    }
  }
  // A plain repository may hold a sparse index, in which the images for some platforms are missing.
  if (manifest.children.length === 0 || request.plain) return
  const digests = manifest.children.map((child) => child.digest)
  const rows = await trx
    .selectFrom('manifests')
    .select('digest')
    .where('repository_id', '=', repositoryId)
    .where('digest', 'in', digests)
    .execute()
  const missing = digests.find((digest) => !rows.some((row) => row.digest === digest))
  if (missing !== undefined) {
    throw new OciError(
      'MANIFEST_BLOB_UNKNOWN',
      `the index refers to the manifest ${missing}, which was not pushed to this repository`,
      {
        detail: { digest: missing },
      },
    )
  }
}

async function storeManifest(
  trx: Transaction<RegistryDatabase>,
  repositoryId: number,
  digest: string,
  content: Uint8Array,
  manifest: ParsedManifest,
): Promise<void> {
  await trx
    .insertInto('manifests')
    .values({
      repository_id: repositoryId,
      digest,
      media_type: manifest.mediaType,
      artifact_type: manifest.artifactType ?? null,
      subject_digest: manifest.subject ?? null,
      annotations: toJsonText(manifest.annotations),
      content: Buffer.from(content),
    })
    .onConflict((conflict) => conflict.columns(['repository_id', 'digest']).doNothing())
    .execute()
  const references = new Map<string, 'blob' | 'manifest'>([
    ...manifest.blobs.map((blob) => [blob, 'blob'] as const),
    ...manifest.children.map((child) => [child.digest, 'manifest'] as const),
  ])
  if (references.size === 0) return
  await trx
    .insertInto('manifest_references')
    .values(
      [...references].map(([reference, kind]) => ({
        repository_id: repositoryId,
        manifest_digest: digest,
        digest: reference,
        kind,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function publishPlain(trx: Transaction<RegistryDatabase>, repositoryId: number, digest: string): Promise<void> {
  await trx
    .updateTable('manifests')
    .set({ published: true })
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .execute()
}
