import { formatTrust } from '@trainyard/contract/format'
import { ANONYMOUS } from '../auth/caller.ts'
import { getVisible } from '../catalogue/find-version.ts'
import { toVersionSummary } from '../catalogue/versions.ts'
import type { RegistryContext } from '../context.ts'
import type { Feed, FeedItem } from './render-feed.ts'

const MAX_ITEMS = 50

const pageOf = ({ config }: RegistryContext, name: string): string =>
  `${config.pagesUrl ?? config.publicUrl}/trainers/${name}`

/** The versions of a trainer that strangers see, the last published first. */
export async function feedOfTrainer(context: RegistryContext, name: string): Promise<Feed> {
  const { repository, versions } = await getVisible(context, ANONYMOUS, name)
  const page = pageOf(context, name)
  const items = versions.map((version) => {
    const { deprecation, trust, digest, publishedAt, pushedAt } = toVersionSummary(version)
    const notes = [
      trust === undefined ? undefined : formatTrust(trust),
      deprecation === undefined ? undefined : `deprecated: ${deprecation.message}`,
      digest,
    ]
    return {
      id: `${name}@${digest}`,
      title: `${name} ${version.version}`,
      text: notes.filter((note) => note !== undefined).join('; '),
      url: `${page}?version=${encodeURIComponent(version.version)}`,
      at: new Date(publishedAt ?? pushedAt),
    }
  })
  items.push(...(await findingsOf(context, repository.id, name, versions)))
  items.sort((a, b) => b.at.getTime() - a.at.getTime())
  return {
    title: repository.display_name || name,
    text: repository.description,
    url: page,
    items: items.slice(0, MAX_ITEMS),
  }
}

/** What scanners found in versions after they were published. */
async function findingsOf(
  { config, database }: RegistryContext,
  repositoryId: number,
  name: string,
  visible: readonly { version: string }[],
): Promise<FeedItem[]> {
  const rows = await database.db
    .selectFrom('part_scans')
    .innerJoin('versions', 'versions.id', 'part_scans.version_id')
    .select(['versions.version', 'versions.digest', 'part_scans.kind', 'check_name', 'found', 'found_at'])
    .where('versions.repository_id', '=', repositoryId)
    .where('found_at', 'is not', null)
    .orderBy('found_at', 'desc')
    .limit(MAX_ITEMS)
    .execute()
  return rows
    .filter(({ version }) => visible.some((one) => one.version === version))
    .map(({ version, digest, kind, check_name, found, found_at }) => ({
      id: `${name}@${digest}#${kind}-${check_name}-${found_at?.getTime() ?? 0}`,
      title: `${name} ${version}: found after it was published`,
      text: found
        .map(({ message }) => message)
        .join('; ')
        .slice(0, 2000),
      url: `${config.pagesUrl ?? config.publicUrl}/trainers/${name}?version=${encodeURIComponent(version)}`,
      at: found_at ?? new Date(0),
    }))
}

/** The trainers whose latest version was published last. */
export async function feedOfAll(context: RegistryContext): Promise<Feed> {
  const { config, database } = context
  const rows = await database.db
    .selectFrom('repositories')
    .select(['name', 'display_name', 'description', 'latest_version', 'published_at', 'latest_trust'])
    .where('latest_version', 'is not', null)
    .where('published_at', 'is not', null)
    .orderBy('published_at', 'desc')
    .limit(MAX_ITEMS)
    .execute()
  return {
    title: 'Trainyard: new versions of trainers',
    text: `The trainers at ${config.publicUrl} whose latest version was published last`,
    url: `${config.pagesUrl ?? config.publicUrl}/`,
    items: rows.map((row) => ({
      id: `${row.name}:${row.latest_version}`,
      title: `${row.display_name || row.name} ${row.latest_version}`,
      text: [row.description, row.latest_trust === null ? '' : formatTrust(row.latest_trust)]
        .filter(Boolean)
        .join('; '),
      url: pageOf(context, row.name),
      at: row.published_at ?? new Date(0),
    })),
  }
}
