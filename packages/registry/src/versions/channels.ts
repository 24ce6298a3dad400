import { ChannelName, type VersionState } from '@trainyard/contract'
import type { Kysely, Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { isPartListed } from './readable.ts'
import { highestOf, latestOf } from './semver.ts'
import type { TierSettings } from './trust.ts'

export interface ListedChannel {
  name: string
  version: string
  /** False if it is computed from the versions. */
  isSet: boolean
}

/** The channels that the owner has set, whatever the state of their versions is. */
export async function readSetChannels(
  db: Kysely<RegistryDatabase> | Transaction<RegistryDatabase>,
  repositoryId: number,
): Promise<{ name: string; version: string }[]> {
  return await db
    .selectFrom('channels')
    .innerJoin('versions', 'versions.id', 'channels.version_id')
    .select(['channels.name', 'versions.version'])
    .where('channels.repository_id', '=', repositoryId)
    .orderBy('channels.name')
    .execute()
}

/** Whether a tag can be the name of a channel: `next`, but no version and no tag of a signature. */
export function isChannelName(tag: string): boolean {
  return ChannelName.safeParse(tag).success
}

/** The channels of a trainer, with those that are computed. */
export async function listChannels(
  db: Kysely<RegistryDatabase>,
  settings: TierSettings,
  repositoryId: number,
): Promise<ListedChannel[]> {
  const [versions, set] = await Promise.all([
    db
      .selectFrom('version_parts')
      .innerJoin('versions', 'versions.id', 'version_parts.version_id')
      .select(['versions.version', 'version_parts.state'])
      .where('version_parts.repository_id', '=', repositoryId)
      .where(isPartListed(settings, 'version_parts'))
      .execute(),
    readSetChannels(db, repositoryId),
  ])
  return channelsOf(versions, set)
}

/**
 * The channels of a trainer. `latest` is the highest release and `next` the highest version, unless the owner has set them.
 * Deprecated versions count only where nothing else is published, and a channel of a version that was yanked is ignored.
 */
export function channelsOf(
  versions: readonly { version: string; state: VersionState }[],
  set: readonly { name: string; version: string }[],
): ListedChannel[] {
  const namesOf = (state: VersionState) => versions.filter((one) => one.state === state).map(({ version }) => version)
  const published = namesOf('published')
  const preferred = published.length > 0 ? published : namesOf('deprecated')
  const open = [...published, ...namesOf('deprecated')]
  const channels = new Map<string, ListedChannel>()
  const [latest, next] = [latestOf(preferred), highestOf(preferred)]
  if (latest !== undefined) channels.set('latest', { name: 'latest', version: latest, isSet: false })
  if (next !== undefined) channels.set('next', { name: 'next', version: next, isSet: false })
  for (const { name, version } of set) if (open.includes(version)) channels.set(name, { name, version, isSet: true })
  return [...channels.values()]
}
