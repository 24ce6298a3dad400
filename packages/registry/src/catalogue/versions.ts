import type { Deprecation, TrainerVersionSummary, Trust, VersionState } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import type { PartKind } from '../db/schema/version-parts.ts'
import { isPartListed } from '../versions/readable.ts'
import { newestFirst } from '../versions/semver.ts'
import { stateOfParts } from '../versions/states.ts'
import { trustOfParts } from '../versions/trust.ts'

export interface VersionPart {
  kind: PartKind
  state: VersionState
  manifestDigest: string
  layerDigest: string | null
  sizeBytes: number
  checkId: string
  pushedAt: Date
  publishedAt: Date | null
  /** Undefined until it is published. */
  trust: Trust | undefined
}

/** A version with the parts that the caller may see, of which there is at least one. */
export interface VisibleVersion {
  id: number
  version: string
  state: VersionState
  /** Digest of the part that was pushed first, if the caller may see it, or else of the other part. */
  digest: string
  parts: VersionPart[]
  notice: { deprecation: Deprecation | undefined; yankReason: string | undefined }
}

/** Lists the versions of a trainer, newest first. `inspect` includes versions that are not published. */
export async function listVersions(
  context: RegistryContext,
  repositoryId: number,
  inspect: boolean,
): Promise<VisibleVersion[]> {
  const rows = await context.database.db
    .selectFrom('version_parts as part')
    .innerJoin('versions', 'versions.id', 'part.version_id')
    .leftJoin('version_notices as notice', 'notice.version_id', 'versions.id')
    .select([
      'versions.id',
      'versions.version',
      'versions.digest',
      'part.kind',
      'part.state',
      'part.manifest_digest',
      'part.layer_digest',
      'part.size_bytes',
      'part.check_id',
      'part.pushed_at',
      'part.published_at',
      'notice.deprecation',
      'notice.replacement',
      'notice.yank_reason',
      'part.trust',
    ])
    .select(isPartListed(context.config, 'part').as('listed'))
    .where('part.repository_id', '=', repositoryId)
    .orderBy('part.pushed_at')
    .execute()
  const visible = rows.filter((row) => inspect || row.listed)
  return [...Map.groupBy(visible, (row) => row.version).values()]
    .flatMap((group) => {
      const [first] = group
      if (!first) return []
      const parts = group.map((row) => ({
        kind: row.kind,
        state: row.state,
        manifestDigest: row.manifest_digest,
        layerDigest: row.layer_digest,
        sizeBytes: row.size_bytes,
        checkId: row.check_id,
        pushedAt: row.pushed_at,
        publishedAt: row.published_at,
        trust: row.trust ?? undefined,
      }))
      const state = stateOfParts(parts.map((part) => part.state))
      const original = parts.some((part) => part.manifestDigest === first.digest)
      return [
        {
          id: first.id,
          version: first.version,
          state,
          digest: original ? first.digest : first.manifest_digest,
          parts,
          notice: {
            deprecation:
              first.deprecation === null
                ? undefined
                : { message: first.deprecation, replacement: first.replacement ?? undefined },
            yankReason: first.yank_reason ?? undefined,
          },
        },
      ]
    })
    .sort((a, b) => newestFirst(a.version, b.version))
}

export function toVersionSummary({ version, state, digest, parts, notice }: VisibleVersion): TrainerVersionSummary {
  const pushed = parts.map((part) => part.pushedAt.getTime())
  const published = parts.flatMap((part) => (part.publishedAt ? [part.publishedAt.getTime()] : []))
  return {
    version,
    state,
    digest,
    trust: trustOfParts(parts.map(({ trust }) => trust)),
    sizeBytes: (parts.find((part) => part.manifestDigest === digest) ?? parts[0])?.sizeBytes ?? 0,
    pushedAt: new Date(Math.min(...pushed)).toISOString(),
    publishedAt: published.length === 0 ? undefined : new Date(Math.min(...published)).toISOString(),
    deprecation: notice.deprecation,
    yankReason: notice.yankReason,
  }
}
