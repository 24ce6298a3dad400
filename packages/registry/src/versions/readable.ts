import { type RawBuilder, sql } from 'kysely'
import { LISTED_STATES, READABLE_STATES } from './states.ts'
import { DEFAULT_TIER_POLICY, type TierSettings } from './trust.ts'

/** A signature can be signed, and that signature too. More than this is not followed. */
const MAX_ATTACHMENT_DEPTH = 4

interface Reference {
  repositoryId: RawBuilder<unknown>
  digest: RawBuilder<unknown>
}

/** SQL: whether strangers may read a part. `alias` is the alias of `version_parts`. */
export function isPartReadable({ tiers = DEFAULT_TIER_POLICY }: TierSettings, alias: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(`${alias}.state`)} in (${sql.join(READABLE_STATES)})
    and ${sql.ref(`${alias}.trust`)} ->> 'tier' = any(${tiers.pull})`
}

/** SQL: whether strangers see a part in lists of versions and tags. */
export function isPartListed({ tiers = DEFAULT_TIER_POLICY }: TierSettings, alias: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(`${alias}.state`)} in (${sql.join(LISTED_STATES)})
    and ${sql.ref(`${alias}.trust`)} ->> 'tier' = any(${tiers.list})`
}

/**
 * SQL: whether strangers may read a manifest. It was checked as a part of a published version, or it is attached to such a
 * manifest. Every way to a manifest asks this: by tag, by digest, in the list of referrers, and as the owner of a blob.
 */
export function isManifestReadable(config: TierSettings, { repositoryId, digest }: Reference): RawBuilder<boolean> {
  return sql<boolean>`exists (
    with recursive subjects (digest, depth) as (
      select ${digest}, 0
      union all
      select a.subject_digest, s.depth + 1 from subjects s
      join attachments a on a.repository_id = ${repositoryId} and a.digest = s.digest
      where s.depth < ${sql.lit(MAX_ATTACHMENT_DEPTH)}
    )
    select 1 from subjects s
    join part_manifests c on c.repository_id = ${repositoryId} and c.digest = s.digest
    join version_parts p on p.version_id = c.version_id and p.kind = c.kind
    where ${isPartReadable(config, 'p')})`
}

/** SQL: whether strangers may read a blob of a repository: a manifest that they may read refers to it. */
export function isBlobReadable(config: TierSettings, { repositoryId, digest }: Reference): RawBuilder<boolean> {
  const manifest = isManifestReadable(config, { repositoryId: sql`r.repository_id`, digest: sql`r.manifest_digest` })
  return sql<boolean>`exists (
    select 1 from manifest_references r
    where r.repository_id = ${repositoryId} and r.digest = ${digest} and r.kind = 'blob' and ${manifest})`
}
