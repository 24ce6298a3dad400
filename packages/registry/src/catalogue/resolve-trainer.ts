import type { ResolvedTrainer } from '@trainyard/contract'
import { invalidRequest, notFound, TrainyardError } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { findRepository } from '../repositories/repository.ts'
import { channelsOf, isChannelName, readSetChannels } from '../versions/channels.ts'
import { isRange, newestInRange } from '../versions/semver.ts'
import { isOpen } from '../versions/states.ts'
import { unknownTrainer } from './unknown-trainer.ts'
import { listVersions } from './versions.ts'

/** Finds the newest published version in a range, with the addresses of its bundle and image. */
export async function resolveTrainer(context: RegistryContext, name: string, range: string): Promise<ResolvedTrainer> {
  const isChannel = isChannelName(range)
  if (!isChannel && !isRange(range)) {
    const detail =
      'must be a range of versions such as "^1.2", a version such as "1.2.3", or a channel such as "latest"'
    throw invalidRequest([{ path: 'query.range', detail, value: range }])
  }
  const repository = await findRepository(context, name)
  const versions = repository ? await listVersions(context, repository.id, false) : []
  if (!repository || versions.length === 0) throw await unknownTrainer(context, name)
  const list = versions.map(({ version }) => version)
  const channels = channelsOf(versions, await readSetChannels(context.database.db, repository.id))
  const version =
    range === '' || isChannel
      ? channels.find((channel) => channel.name === (range || 'latest'))?.version
      : newestInRange(versions, range)
  const found = versions.find((candidate) => candidate.version === version)
  if (!found) {
    throw new TrainyardError(
      'not_found',
      isChannel
        ? `"${name}" has no channel "${range}"; its channels are ${channels.map((channel) => channel.name).join(', ')}`
        : `"${name}" has no published version in "${range}"; its versions are ${list.join(', ')}`,
      {
        extra: { versions: list },
      },
    )
  }
  const open = found.parts.filter(({ state }) => isOpen(state))
  const bundle = open.find(({ kind }) => kind === 'bundle')
  const image = open.find(({ kind }) => kind === 'image')
  const row = await context.database.db
    .selectFrom('version_parts')
    .select('manifest')
    .where('version_id', '=', found.id)
    .where('state', 'in', ['published', 'deprecated'])
    .where('manifest', 'is not', null)
    .orderBy('kind')
    .executeTakeFirst()
  if (!row?.manifest) throw notFound('trainer', `${name}@${found.version}`)
  const { publicUrl } = context.config
  return {
    name,
    version: found.version,
    digest: found.digest,
    manifest: row.manifest,
    deprecation: found.notice.deprecation,
    bundle: bundle?.layerDigest
      ? {
          digest: bundle.layerDigest,
          sizeBytes: bundle.sizeBytes,
          url: `${publicUrl}/v2/${name}/blobs/${bundle.layerDigest}`,
        }
      : undefined,
    image: image && {
      reference: `${new URL(publicUrl).host}/${name}@${image.manifestDigest}`,
      digest: image.manifestDigest,
    },
  }
}
