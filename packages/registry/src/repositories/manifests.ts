import type { Trust, VersionState } from '@trainyard/contract'
import { formatTrust } from '@trainyard/contract/format'
import { sql } from 'kysely'
import { isKnownToClient, notModified } from '../oci/conditions.ts'
import { OciError } from '../oci/errors.ts'
import { isDigest, parseDigest, parseTag } from '../oci/names.ts'
import { countPull } from '../pulls/count-pull.ts'
import { isChannelName, listChannels } from '../versions/channels.ts'
import { isManifestReadable, isPartReadable } from '../versions/readable.ts'
import { isVersionTag } from '../versions/semver.ts'
import { isOpen } from '../versions/states.ts'
import { pageOfPush } from './page-of-push.ts'
import {
  auditRepository,
  getVisibleRepository,
  mayInspect,
  type Repository,
  type RepositoryRequest,
} from './repository.ts'
import { requireSigned } from './require-signed.ts'
import { reviewReferences } from './reviews.ts'

/** GET and HEAD of a manifest by tag or digest. Returns the bytes that were pushed. */
export async function readManifest(request: RepositoryRequest, reference: string): Promise<Response> {
  const { repositoryId, manifest } = request.plain
    ? await findPlain(request, reference)
    : await findOfTrainer(request, reference)
  if (!manifest) throw unknown(request, reference)
  const { part } = manifest
  if (!manifest.readable && !mayInspect(request)) throw part ? blocked(request, part) : unknown(request, reference)
  if (!request.plain) await requireSigned(request, { repositoryId, digest: manifest.digest, kind: 'manifest' })

  const etag = `"${manifest.digest}"`
  const headers = new Headers({
    'Content-Type': manifest.media_type,
    'Content-Length': String(manifest.content.byteLength),
    'Docker-Content-Digest': manifest.digest,
    ETag: etag,
  })
  // `trainyard publish` asks for it: the number of a version that is not published yet can be pushed again.
  if (part !== undefined) headers.set('Trainyard-State', part.state)
  for (const text of warningsOf(request, manifest, part)) headers.append('Warning', `299 - "${inHeader(text)}"`)
  if (isKnownToClient(request.raw, etag)) return notModified(headers)
  if (request.raw.method === 'HEAD') return new Response(null, { headers })
  // A pull of a bundle is counted when its layer is fetched: runners fetch nothing else.
  if (!mayInspect(request) && part?.kind === 'image')
    await countPull({
      ...request,
      userAgent: request.raw.headers.get('user-agent'),
      repositoryId,
      digest: manifest.digest,
    })
  return new Response(new Uint8Array(manifest.content), { headers })
}

interface FoundManifest {
  digest: string
  media_type: string
  content: Buffer
  /** By strangers. */
  readable: boolean
  part: FoundPart | undefined
}

interface FoundPart {
  kind: 'bundle' | 'image'
  state: VersionState
  state_reason: string | null
  trust: Trust | null
  check_id: string
  version: string
  deprecation: string | null
  replacement: string | null
}

interface Found {
  repositoryId: number
  manifest: FoundManifest | undefined
}

const PLAIN_COLUMNS = 'r.id as "repositoryId", m.digest, m.media_type, m.content'

/** One statement: a plain repository has no versions, and no states. */
async function findPlain(request: RepositoryRequest, reference: string): Promise<Found> {
  const { database } = request.context
  const statement = isDigest(reference)
    ? {
        name: 'plain-manifest-by-digest',
        text: `
          select ${PLAIN_COLUMNS} from repositories r join manifests m on m.repository_id = r.id
          where r.name = $1 and m.digest = $2`,
      }
    : {
        name: 'plain-manifest-by-tag',
        text: `
          select ${PLAIN_COLUMNS} from repositories r join tags t on t.repository_id = r.id
          join manifests m on m.repository_id = r.id and m.digest = t.digest
          where r.name = $1 and t.name = $2`,
      }
  const value = isDigest(reference) ? parseDigest(reference).text : parseTag(reference)
  const [row] = await database.query<Omit<FoundManifest, 'readable' | 'part'> & { repositoryId: number }>(statement, [
    request.name,
    value,
  ])
  if (row === undefined) return { repositoryId: (await getVisibleRepository(request)).id, manifest: undefined }
  return { repositoryId: row.repositoryId, manifest: { ...row, readable: false, part: undefined } }
}

async function findOfTrainer(request: RepositoryRequest, reference: string): Promise<Found> {
  const repository = await getVisibleRepository(request)
  const digest = isDigest(reference)
    ? parseDigest(reference).text
    : await resolveTag(request, repository, parseTag(reference))
  const manifest = digest === undefined ? undefined : await findManifest(request, repository.id, digest)
  return { repositoryId: repository.id, manifest }
}

/** A manifest with the part of a version that it is, if it is one. */
async function findManifest(
  { context }: RepositoryRequest,
  repositoryId: number,
  digest: string,
): Promise<FoundManifest | undefined> {
  const readable = isManifestReadable(context.config, { repositoryId: sql`m.repository_id`, digest: sql`m.digest` })
  const { sql: text, parameters } = sql`
    select m.digest, m.media_type, m.content, ${readable} as readable, p.kind, p.state, p.state_reason, p.trust, p.check_id,
      v.version, n.deprecation, n.replacement
    from manifests m
    left join version_parts p on p.repository_id = m.repository_id and p.manifest_digest = m.digest
    left join versions v on v.id = p.version_id
    left join version_notices n on n.version_id = v.id
    where m.repository_id = ${repositoryId} and m.digest = ${digest}
    limit 1
  `.compile(context.database.db)
  type Row = Omit<FoundManifest, 'part'> & { [Key in keyof FoundPart]: FoundPart[Key] | null }
  const [row] = await context.database.query<Row>({ name: 'manifest-of-trainer', text }, parameters)
  if (row === undefined) return undefined
  const { digest: found, media_type, content, readable: isReadable, kind, state, check_id, version, ...rest } = row
  const part =
    kind === null || state === null || check_id === null || version === null
      ? undefined
      : { ...rest, kind, state, check_id, version }
  return { digest: found, media_type, content, readable: isReadable, part }
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
      .select([
        'version_parts.state',
        'version_parts.state_reason',
        'version_parts.manifest_digest',
        'version_parts.trust',
        'version_parts.check_id',
      ])
      .select(isPartReadable(request.context.config, 'version_parts').as('readable'))
      .where('versions.repository_id', '=', repository.id)
      .where('versions.version', '=', version)
      .orderBy('version_parts.kind', 'desc')
      .execute()
    if (mayInspect(request)) return parts[0]?.manifest_digest
    const open = parts.find((part) => part.readable === true && isOpen(part.state))
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
  const channels = await listChannels(context.database.db, context.config, repository.id)
  return channels.find(({ name }) => name === tag)?.version ?? tag
}

/** A header holds visible ASCII without quotes; the trainer's page has the text as it was written. */
const inHeader = (text: string) => text.replace(/[^ -~]|["\\]/g, '?').slice(0, 1000)

/** What the one who pulls should know; clients that print warnings print each. */
function warningsOf(
  request: RepositoryRequest,
  { readable }: { readable: boolean },
  part: FoundPart | undefined,
): string[] {
  const warnings: string[] = []
  if (!readable && !request.plain) warnings.push(closedTo(request, part))
  if (part === undefined) return warnings
  const subject = `${request.name}:${part.version}`
  if (readable && part.trust && part.trust.tier !== 'checked') warnings.push(`${subject} is ${formatTrust(part.trust)}`)
  if (part.deprecation !== null) {
    const instead = part.replacement === null ? '' : `; use ${part.replacement}`
    warnings.push(`${subject} is deprecated: ${part.deprecation}${instead}`)
  }
  return warnings
}

/** Why others than the owner cannot pull it, and where its checks are. */
function closedTo({ context }: RepositoryRequest, part: FoundPart | undefined): string {
  if (part === undefined) return 'In quarantine: only its owner can pull it until it belongs to a published version'
  const page = pageOfPush(context.config, part.check_id)
  if (part.trust !== null)
    return `By the policy of this registry, only its owner can pull it: it is ${formatTrust(part.trust)}; see ${page}`
  return part.state === 'rejected'
    ? `Rejected: only its owner can pull it; the findings are at ${page}`
    : `In quarantine: only its owner can pull it until its checks have passed; follow them at ${page}`
}

/** Every client prints the message of DENIED, so it contains the reason. */
function blocked(
  request: RepositoryRequest,
  part: {
    version: string
    state: VersionState
    state_reason: string | null
    trust: Trust | null
    check_id: string
    readable?: boolean | null
  },
): OciError {
  const subject = `${request.name}:${part.version}`
  const page = pageOfPush(request.context.config, part.check_id)
  if (part.state === 'yanked' && part.readable === true) {
    return new OciError('DENIED', `${subject} was yanked by its owner; its digest can still be pulled`)
  }
  if (part.state === 'rejected') {
    const reason = part.state_reason ?? 'its checks failed'
    return new OciError('DENIED', `${subject} was rejected: ${reason}; its owner can see the findings at ${page}`)
  }
  if (part.trust === null) {
    const what = `${subject} is in quarantine: its checks have not finished yet`
    return new OciError('DENIED', `${what}; its owner can follow them at ${page}`)
  }
  return new OciError(
    'DENIED',
    `the operator of this registry does not let such versions be pulled: ${subject} is ${formatTrust(part.trust)}`,
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
