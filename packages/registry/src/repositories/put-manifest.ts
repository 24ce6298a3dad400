import { createHash } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { ManifestForm } from '../db/schema/manifests.ts'
import { queueEvent } from '../events/queue-event.ts'
import { bodyOf, readLimited } from '../oci/bodies.ts'
import { OciError } from '../oci/errors.ts'
import { isDigest, parseDigest, parseTag } from '../oci/names.ts'
import { type Descriptor, MAX_MANIFEST_BYTES, type ParsedManifest, parseManifest } from '../oci/parse-manifest.ts'
import { findBlobsOfUnpublished } from '../versions/find-blobs-of-unpublished.ts'
import { type ReceiveVersionOptions, receiveVersion } from '../versions/receive-version.ts'
import { isVersionTag } from '../versions/semver.ts'
import { formOf } from './form-of-manifest.ts'
import { pageOfPush } from './page-of-push.ts'
import { withRoom } from './quotas.ts'
import { auditRepository, ensureRepository, type RepositoryRequest, requirePush } from './repository.ts'

/** The spec asks for at least ten. Each writes an audit row. */
const MAX_TAGS = 100

/** Tags with which clients that do not use the referrers API attach signatures and attestations to a digest. */
const REFERRERS_TAG = /^(sha256|sha512)-([0-9a-f]{32,128})/

/** PUT of a manifest: stores the exact bytes. A tag that is a semantic version queues the checks of that version. */
export async function putManifest(request: RepositoryRequest, reference: string): Promise<Response> {
  const { context, name } = request
  requirePush(request)
  const expected = isDigest(reference) ? parseDigest(reference) : undefined
  const named = [...(expected ? [] : [reference]), ...request.url.searchParams.getAll('tag')]
  const tags = [...new Set(named)].map(parseTag)
  if (tags.length > MAX_TAGS) {
    throw new OciError('TAG_INVALID', `the request has ${tags.length} tags; expected at most ${MAX_TAGS}`, {
      status: 414,
    })
  }
  for (const tag of tags) checkTag(request, tag)

  const content = await readLimited(bodyOf(request.raw), MAX_MANIFEST_BYTES)
  if (!content) {
    throw new OciError('SIZE_INVALID', `the manifest is larger than ${MAX_MANIFEST_BYTES} bytes`, { status: 413 })
  }
  await request.confirm()
  const manifest = parseManifest(content, request.raw.headers.get('content-type'))
  const algorithm = expected?.algorithm ?? 'sha256'
  const digest = `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`
  if (expected && expected.text !== digest) {
    throw new OciError('DIGEST_INVALID', `the digest of the manifest is ${digest}; expected ${expected.text}`)
  }
  if (manifest.subject !== undefined) parseDigest(manifest.subject)

  const repository = await ensureRepository(request)
  const form = request.plain ? manifest.form : await formOf(context, manifest, repository.id)
  const store = async (trx: Transaction<RegistryDatabase>) => {
    // Serialises pushes to a repository, so that two pushes cannot both create the same version.
    await trx.selectFrom('repositories').select('id').where('id', '=', repository.id).forUpdate().execute()
    await requireReferences(trx, request, repository.id, manifest)
    await storeManifest(trx, repository.id, { digest, content, manifest, form })
    if (form === 'attachment') await attach(trx, repository.id, { digest, subjects: subjectsOf(manifest, tags) })
    if (tags.length === 0)
      await auditRepository(request, trx, { action: 'manifest.push', subject: `${name}@${digest}`, data: {} })
    const checkIds: string[] = []
    const now = context.clock.now()
    for (const tag of tags) {
      if (!request.plain && isVersionTag(tag)) {
        const audit: ReceiveVersionOptions['audit'] = (entry) => auditRepository(request, trx, entry)
        const announce: ReceiveVersionOptions['announce'] = (data) =>
          queueEvent(context, trx, { namespace: repository.namespace, type: 'version.pushed', data })
        checkIds.push(
          await receiveVersion(trx, {
            repository,
            version: tag,
            digest,
            manifest,
            now,
            pushedBy: request.caller.subject,
            audit,
            announce,
          }),
        )
      }
    }
    await setTags(trx, request, { repositoryId: repository.id, tags, digest })
    return checkIds
  }
  const received = await withRoom(request, { digest, sizeBytes: content.byteLength }, () =>
    context.database.transaction(store),
  )
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
      `299 - "Received. Only its owner can pull it until its checks have passed: ${pageOfPush(context.config, received[0])}"`,
    )
  }
  return new Response(null, { status: 201, headers })
}

/** Points tags to a manifest. The caller holds the lock on the repository's row. Pushes of versions have audit rows of their own. */
async function setTags(
  trx: Transaction<RegistryDatabase>,
  request: RepositoryRequest,
  { repositoryId, tags, digest }: { repositoryId: number; tags: readonly string[]; digest: string },
): Promise<void> {
  if (tags.length === 0) return
  const { name, plain, context } = request
  const { rows } = await sql<{ name: string; before: string | null }>`
    with held as (select name, digest from tags where repository_id = ${repositoryId} and name = any(${tags})),
    written as (
      insert into tags (repository_id, name, digest)
      select ${repositoryId}, tag, ${digest} from unnest(${tags}::text[]) as tag
      on conflict (repository_id, name) do update set digest = excluded.digest, updated_at = ${context.clock.now()}
      where tags.digest <> excluded.digest returning name)
    select written.name, held.digest as before from written left join held using (name)
  `.execute(trx)
  const before = new Map(rows.map((row) => [row.name, row.before]))
  const changed = tags.filter((tag) => before.has(tag))
  for (const tag of changed.filter((each) => plain || !isVersionTag(each))) {
    const was = before.get(tag) ?? undefined
    const action = was === undefined ? 'tag.push' : 'tag.move'
    await auditRepository(request, trx, { action, subject: `${name}:${tag}`, data: { digest, before: was } })
  }
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

/** Arrays are one parameter each: a manifest can refer to more digests than PostgreSQL takes parameters. */
async function requireReferences(
  trx: Transaction<RegistryDatabase>,
  request: RepositoryRequest,
  repositoryId: number,
  manifest: ParsedManifest,
): Promise<void> {
  // What is fetched from elsewhere cannot be checked, so a trainer's layers must all be here.
  const blobs = request.plain ? manifest.blobs : [...manifest.blobs, ...manifest.foreignBlobs]
  for (const digest of blobs) parseDigest(digest)
  for (const child of manifest.children) parseDigest(child.digest)
  if (blobs.length > 0) {
    const rows = await trx
      .selectFrom('repository_blobs as link')
      .innerJoin('blobs', 'blobs.digest', 'link.digest')
      .select(['blobs.digest', 'blobs.size_bytes'])
      .where('link.repository_id', '=', repositoryId)
      .where('link.digest', '=', sql<string>`any(${blobs})`)
      .execute()
    const sizes = new Map(rows.map((row) => [row.digest, row.size_bytes]))
    // A plain repository may hold a sparse image, whose layers are elsewhere.
    const needed = request.plain ? blobs.slice(0, 1) : blobs
    requireAll(needed, sizes, 'the manifest refers to the blob')
    requireSizes(manifest.descriptors, sizes)
  }
  if (manifest.children.length === 0) return
  const digests = manifest.children.map((child) => child.digest)
  const rows = await trx
    .selectFrom('manifests')
    .select(['digest', sql<number>`octet_length(content)`.as('size_bytes')])
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', sql<string>`any(${digests})`)
    .execute()
  const sizes = new Map(rows.map((row) => [row.digest, row.size_bytes]))
  // A plain repository may hold a sparse index, in which the images for some platforms are missing.
  if (!request.plain) requireAll(digests, sizes, 'the index refers to the manifest')
  requireSizes(manifest.children, sizes)
}

function requireAll(digests: readonly string[], found: ReadonlyMap<string, number>, what: string): void {
  const missing = digests.find((digest) => !found.has(digest))
  if (missing === undefined) return
  throw new OciError('MANIFEST_BLOB_UNKNOWN', `${what} ${missing}, which was not pushed to this repository`, {
    detail: { digest: missing },
  })
}

/** Clients allocate, show progress and verify by the size in a descriptor. */
function requireSizes(descriptors: readonly Descriptor[], sizes: ReadonlyMap<string, number>): void {
  for (const { digest, size } of descriptors) {
    const actual = sizes.get(digest)
    if (actual === undefined || actual === size) continue
    throw new OciError('MANIFEST_INVALID', `the size of ${digest} is ${actual} bytes; the manifest says ${size}`, {
      detail: { digest, size: actual },
    })
  }
}

async function storeManifest(
  trx: Transaction<RegistryDatabase>,
  repositoryId: number,
  {
    digest,
    content,
    manifest,
    form,
  }: { digest: string; content: Uint8Array; manifest: ParsedManifest; form: ManifestForm },
): Promise<void> {
  const references = new Map<string, 'blob' | 'manifest'>([
    ...[...manifest.blobs, ...manifest.foreignBlobs].map((blob) => [blob, 'blob'] as const),
    ...manifest.children.map((child) => [child.digest, 'manifest'] as const),
  ])
  await sql`
    with stored as (
      insert into manifests (repository_id, digest, media_type, artifact_type, subject_digest, annotations, content, form)
      values (${repositoryId}, ${digest}, ${manifest.mediaType}, ${manifest.artifactType ?? null},
        ${manifest.subject ?? null}, ${toJsonText(manifest.annotations)}, ${Buffer.from(content)}, ${form})
      on conflict (repository_id, digest) do nothing)
    insert into manifest_references (repository_id, manifest_digest, digest, kind)
    select ${repositoryId}, ${digest}, reference, kind
    from unnest(${[...references.keys()]}::text[], ${[...references.values()]}::text[]) as refers (reference, kind)
    on conflict do nothing
  `.execute(trx)
}

/** What a manifest is about: its subject, and the digests in tags such as `sha256-….sig`. */
function subjectsOf({ subject }: ParsedManifest, tags: readonly string[]): string[] {
  const tagged = tags.flatMap((tag) => {
    const [, algorithm, hex] = REFERRERS_TAG.exec(tag) ?? []
    return hex === undefined ? [] : [`${algorithm}:${hex}`]
  })
  return [...new Set([...(subject === undefined ? [] : [subject]), ...tagged])]
}

/** Attaches a manifest to its subjects, unless it would open what belongs to something that has not passed its checks. */
async function attach(
  trx: Transaction<RegistryDatabase>,
  repositoryId: number,
  { digest, subjects }: { digest: string; subjects: readonly string[] },
): Promise<void> {
  if (subjects.length === 0) return
  const taken = await findBlobsOfUnpublished(trx, { repositoryId, manifests: [digest], of: ['bundle', 'image'] })
  if (taken.length > 0) return
  await trx
    .insertInto('attachments')
    .values(subjects.map((subject_digest) => ({ repository_id: repositoryId, digest, subject_digest })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
