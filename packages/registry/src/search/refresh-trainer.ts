import type { Trust } from '@trainyard/contract'
import { type Kysely, sql, type Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { verifiedAs } from '../names/verified-namespaces.ts'
import { readRatings } from '../ratings/read-ratings.ts'
import { channelsOf, readSetChannels } from '../versions/channels.ts'
import { isPartListed } from '../versions/readable.ts'
import { LISTED_STATES } from '../versions/states.ts'
import { DEFAULT_TIER_POLICY, type TierSettings, trustOfParts } from '../versions/trust.ts'
import { INDEXED_AS, type IndexedTrainer, writeEntries } from './index-trainers.ts'

const BATCH = 200

/**
 * Copies what the catalogue shows of a trainer from the manifest of its latest published version, and makes it findable.
 * A trainer without a published version is removed from both.
 */
export async function refreshTrainer(
  trx: Transaction<RegistryDatabase>,
  config: TierSettings,
  repositoryId: number,
): Promise<void> {
  const repository = await trx
    .selectFrom('repositories')
    .select(['id', 'name', 'namespace', 'pulls'])
    .where('id', '=', repositoryId)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const listed_tiers = listedTiers(config)
  const trainer = await readLatest(trx, config, repository)
  if (trainer === undefined) {
    await trx
      .updateTable('repositories')
      .set({ latest_version: null, listed_tiers })
      .where('id', '=', repositoryId)
      .execute()
    await trx
      .updateTable('search_entries')
      .set({ is_listed: false, changed: sql`pg_current_xact_id()` })
      .where('repository_id', '=', repositoryId)
      .execute()
    return
  }
  const { manifest, latestVersion, publishedAt, trust } = trainer
  await trx
    .updateTable('repositories')
    .set({
      latest_version: latestVersion,
      display_name: manifest.displayName,
      description: manifest.description,
      framework: manifest.framework,
      license: manifest.license,
      task_types: [...manifest.taskTypes],
      keywords: [...manifest.keywords],
      published_at: publishedAt,
      latest_trust: toJsonText(trust ?? null),
      listed_tiers,
    })
    .where('id', '=', repositoryId)
    .execute()
  await writeEntries(trx, [trainer])
}

const listedTiers = ({ tiers = DEFAULT_TIER_POLICY }: TierSettings): string => tiers.list.join(',')

/** Makes the entries that are missing, or were made by an earlier version of the code or under another policy of the operator. */
export async function refreshOldEntries(context: RegistryContext): Promise<void> {
  for (;;) {
    const repositories = await sql<{ id: number; name: string; pulls: number }>`
      select repositories.id, repositories.name, repositories.pulls from repositories
      left join search_entries entry on entry.repository_id = repositories.id
      where latest_version is not null and (entry.indexed_as is null or entry.indexed_as <> ${INDEXED_AS})
        or listed_tiers is distinct from ${listedTiers(context.config)} and exists (
          select 1 from version_parts part
          where part.repository_id = repositories.id and part.state in (${sql.join(LISTED_STATES)}))
      order by repositories.id limit ${BATCH}
    `.execute(context.database.db)
    if (repositories.rows.length === 0) return
    for (const { id } of repositories.rows)
      await context.database.transaction((trx) => refreshTrainer(trx, context.config, id))
    context.logger.info({ trainers: repositories.rows.length }, 'made entries of the search')
  }
}

async function readLatest(
  db: Kysely<RegistryDatabase> | Transaction<RegistryDatabase>,
  config: TierSettings,
  { id, name, namespace, pulls }: { id: number; name: string; namespace: string; pulls: number },
): Promise<(IndexedTrainer & { trust: Trust | undefined }) | undefined> {
  const rows = await db
    .selectFrom('version_parts')
    .innerJoin('versions', 'versions.id', 'version_parts.version_id')
    .select(['versions.version', 'version_parts.state', 'version_parts.manifest', 'version_parts.published_at'])
    .select('version_parts.trust')
    .where('version_parts.repository_id', '=', id)
    .where(isPartListed(config, 'version_parts'))
    .orderBy('version_parts.kind')
    .execute()
  const shown = rows.filter((row) => row.manifest !== null && row.published_at !== null)
  const latest = channelsOf(shown, await readSetChannels(db, id)).find((channel) => channel.name === 'latest')
  const row = shown.find(({ version }) => version === latest?.version)
  if (!row?.manifest || row.published_at === null) return undefined
  const parts = rows.filter(({ version }) => version === row.version)
  const trust = trustOfParts(parts.map((part) => part.trust ?? undefined))
  return {
    repositoryId: id,
    name,
    pulls,
    publishedAt: row.published_at,
    latestVersion: row.version,
    manifest: row.manifest,
    tier: trust?.tier ?? 'unchecked',
    trust,
    isVerified: (await verifiedAs(db, [namespace])).has(namespace),
    rating: (await readRatings(db, [id])).get(id)?.score,
  }
}
