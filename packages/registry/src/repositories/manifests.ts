import type { VersionState } from '@trainyard/contract'
import { sql } from 'kysely'
import { isKnownToClient, notModified } from '../oci/conditions.ts'
import { OciError } from '../oci/errors.ts'
import { isDigest, parseDigest, parseTag } from '../oci/names.ts'
import { countPull } from '../pulls/count-pull.ts'
import { isChannelName, listChannels } from '../versions/channels.ts'
import { isManifestReadable } from '../versions/readable.ts'
import { isVersionTag } from '../versions/semver.ts'
import { isOpen } from '../versions/states.ts'
import {
  auditRepository,
  getVisibleRepository,
  mayInspect,
  type Repository,
  type RepositoryRequest,
} from './repository.ts'
import { reviewReferences } from './reviews.ts'

/** GET and HEAD of a manifest by tag or digest. Returns the bytes that were pushed. */
export async function readManifest(request: RepositoryRequest, reference: string): Promise<Response> {
  const repository = await getVisibleRepository(request)
  const digest = isDigest(reference)
    ? parseDigest(reference).text
    : await resolveTag(request, repository, parseTag(reference))
  const manifest = digest === undefined ? undefined : await findManifest(request, repository.id, digest)
  if (!manifest) throw unknown(request, reference)
  if (!manifest.readable && !mayInspect(request)) {
    const part = await findPart(request, repository.id, manifest.digest)
    throw part ? blocked(request, part) : unknown(request, reference)
  }

  const headers: Record<string, string> & { ETag: string } = {
    'Content-Type': manifest.media_type,
    'Content-Length': String(manifest.content.byteLength),
    'Docker-Content-Digest': manifest.digest,
    ETag: `"${manifest.digest}"`,
  }
  if (!manifest.readable && !request.plain)
    headers.Warning = '299 - "In quarantine: only its owner can pull it until its checks have passed"'
  const part = await findPart(request, repository.id, manifest.digest)
  if (part !== undefined && part.deprecation !== null) headers.Warning = deprecationWarning(request.name, part)
  if (isKnownToClient(request.raw, headers.ETag)) return notModified(headers)
  if (request.raw.method === 'HEAD') return new Response(null, { headers })
  // A pull of a bundle is counted when its layer is fetched: runners fetch nothing else.
  if (!mayInspect(request) && part?.kind === 'image')
    await countPull({
      ...request,
      userAgent: request.raw.headers.get('user-agent'),
      repositoryId: repository.id,
      digest: manifest.digest,
    })
  return new Response(new Uint8Array(manifest.content), { headers })
}

async function findManifest(request: RepositoryRequest, repositoryId: number, digest: string) {
  return request.context.database.db
    .selectFrom('manifests')
    .select(['digest', 'media_type', 'content'])
    .select(
      isManifestReadable({ repositoryId: sql`manifests.repository_id`, digest: sql`manifests.digest` }).as('readable'),
    )
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirst()
}

async function findPart(request: RepositoryRequest, repositoryId: number, digest: string) {
  return request.context.database.db
    .selectFrom('version_parts')
    .innerJoin('versions', 'versions.id', 'version_parts.version_id')
    .leftJoin('version_notices', 'version_notices.version_id', 'versions.id')
    .select([
      'version_parts.kind',
      'version_parts.state',
      'version_parts.state_reason',
      'versions.version',
      'version_notices.deprecation',
      'version_notices.replacement',
    ])
    .where('version_parts.repository_id', '=', repositoryId)
    .where('version_parts.manifest_digest', '=', digest)
    .executeTakeFirst()
}

/**
 * Resolves a tag to a digest that this caller may see. For a version with an image and a bundle it is the image: clients
 * that pull by tag run images. The catalogue has the digest of the bundle.
 */
async function resolveTag(
  request: RepositoryRequest,
  repository: Repository,
  tag: string,
): Promise<string | undefined> {
  const { db } = request.context.database
  const version = request.plain ? tag : await versionOf(request, repository, tag)
  if (version === null) return undefined
  if (!request.plain && isVersionTag(version)) {
    const parts = await db
      .selectFrom('version_parts')
      .innerJoin('versions', 'versions.id', 'version_parts.version_id')
      .select(['version_parts.state', 'version_parts.state_reason', 'version_parts.manifest_digest'])
      .where('versions.repository_id', '=', repository.id)
      .where('versions.version', '=', version)
      .orderBy('version_parts.kind', 'desc')
      .execute()
    if (mayInspect(request)) return parts[0]?.manifest_digest
    const open = parts.find((part) => isOpen(part.state))
    // Another version may have published the same bytes; this version is blocked nevertheless.
    if (!open && parts[0]) throw blocked(request, { ...parts[0], version })
    return open?.manifest_digest
  }
  const row = await db
    .selectFrom('tags')
    .select('digest')
    .where('repository_id', '=', repository.id)
    .where('name', '=', version)
    .executeTakeFirst()
  return row?.digest
}

/** The version of a channel, or the tag. */
async function versionOf({ context }: RepositoryRequest, repository: Repository, tag: string): Promise<string | null> {
  if (tag === 'latest') return repository.latest_version
  if (isVersionTag(tag) || !isChannelName(tag)) return tag
  const channels = await listChannels(context.database.db, repository.id)
  return channels.find(({ name }) => name === tag)?.version ?? tag
}

/** A header holds visible ASCII without quotes; the trainer's page has the text as it was written. */
function deprecationWarning(
  name: string,
  part: { version: string; deprecation: string | null; replacement: string | null },
): string {
  const ascii = (text: string) => text.replace(/[^ -~]|["\\]/g, '?').slice(0, 500)
  const instead = part.replacement === null ? '' : `; use ${ascii(part.replacement)}`
  return `299 - "${name}:${part.version} is deprecated: ${ascii(part.deprecation ?? '')}${instead}"`
}

/** Every client prints the message of DENIED, so it contains the reason. */
function blocked(
  request: RepositoryRequest,
  part: { version: string; state: VersionState; state_reason: string | null },
): OciError {
  const subject = `${request.name}:${part.version}`
  return new OciError(
    'DENIED',
    part.state === 'yanked'
      ? `${subject} was yanked by its owner; its digest can still be pulled`
      : part.state === 'rejected'
        ? `${subject} was rejected: ${part.state_reason ?? 'its checks failed'}; its owner can see the findings`
        : `${subject} is in quarantine: its checks have not finished yet`,
  )
}

function unknown(request: RepositoryRequest, reference: string): OciError {
  return new OciError('MANIFEST_UNKNOWN', `"${request.name}" has no manifest ${reference}`, {
    detail: { name: request.name, reference },
  })
}

/** Deletes a manifest or a tag of a plain repository. Versions of trainers are immutable. */
export async function deleteManifest(request: RepositoryRequest, reference: string): Promise<Response> {
  if (!request.plain) {
    throw new OciError(
      'UNSUPPORTED',
      `versions are immutable and cannot be deleted; push a new version of ${request.name}`,
    )
  }
  const repository = await getVisibleRepository(request)
  await request.context.database.transaction(async (trx) => {
    if (isDigest(reference)) {
      await reviewReferences(trx, { repositoryId: repository.id, digest: parseDigest(reference).text })
    }
    const deleted = isDigest(reference)
      ? await trx
          .deleteFrom('manifests')
          .where('repository_id', '=', repository.id)
          .where('digest', '=', parseDigest(reference).text)
          .returning('digest')
          .executeTakeFirst()
      : await trx
          .deleteFrom('tags')
          .where('repository_id', '=', repository.id)
          .where('name', '=', parseTag(reference))
          .returning('digest')
          .executeTakeFirst()
    if (deleted === undefined) throw unknown(request, reference)
    const [action, subject] = isDigest(reference)
      ? ['manifest.delete', `${request.name}@${deleted.digest}`]
      : ['tag.delete', `${request.name}:${reference}`]
    await auditRepository(request, trx, { action, subject, data: { digest: deleted.digest } })
  })
  return new Response(null, { status: 202, headers: { 'Content-Length': '0' } })
}
