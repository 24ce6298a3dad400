import type { ResolvedTrainer } from '@trainyard/contract'
import { formatTier, formatTrust } from '@trainyard/contract/format'
import { invalidRequest, notFound, TrainyardError } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { findRepository } from '../repositories/repository.ts'
import { requireSignature } from '../signatures/list-signatures.ts'
import { channelsOf, isChannelName, readSetChannels } from '../versions/channels.ts'
import { isRange, newestInRange } from '../versions/semver.ts'
import { DEFAULT_TIER_POLICY, isTierIn, type TierPolicy, trustOfParts } from '../versions/trust.ts'
import { unknownTrainer } from './unknown-trainer.ts'
import { listVersions, type VersionPart, type VisibleVersion } from './versions.ts'

/** Finds the newest published version in a range, with the addresses of its bundle and image. */
export async function resolveTrainer(context: RegistryContext, name: string, range: string): Promise<ResolvedTrainer> {
  const isChannel = isChannelName(range)
  if (!isChannel && !isRange(range)) {
    const detail =
      'must be a range of versions such as "^1.2", a version such as "1.2.3", or a channel such as "latest"'
    throw invalidRequest([{ path: 'query.range', detail, value: range }])
  }
  const repository = await findRepository(context, name)
  const listed = repository ? await listVersions(context, repository.id, false) : []
  if (!repository || listed.length === 0) throw await unknownTrainer(context, name)
  const set = await readSetChannels(context.database.db, repository.id)
  const tiers = context.config.tiers ?? DEFAULT_TIER_POLICY
  const mayRun = ({ trust }: VersionPart) => isTierIn(tiers.run, trust) && isTierIn(tiers.pull, trust)
  const versions = listed.filter(({ parts }) => parts.some(mayRun))
  const found = findNewest(versions, range, set)
  if (!found) {
    const refused = findNewest(listed, range, set)
    if (refused) throw notTrusted(name, refused, tiers)
    const list = versions.map(({ version }) => version)
    const channels = channelsOf(versions, set).map((channel) => channel.name)
    throw new TrainyardError(
      'not_found',
      isChannel
        ? `"${name}" has no channel "${range}"; its channels are ${channels.join(', ')}`
        : `"${name}" has no published version in "${range}"; its versions are ${list.join(', ')}`,
      { extra: { versions: list } },
    )
  }
  const open = found.parts.filter(mayRun)
  const digests = open.map(({ manifestDigest }) => manifestDigest)
  const signed = { trainer: name, repositoryId: repository.id, digests }
  await requireSignature(context, { ...signed, version: found.version })
  const bundle = open.find(({ kind }) => kind === 'bundle')
  const image = open.find(({ kind }) => kind === 'image')
  const row = await context.database.db
    .selectFrom('version_parts')
    .select('manifest')
    .where('version_id', '=', found.id)
    .where('manifest_digest', 'in', digests)
    .where('manifest', 'is not', null)
    .orderBy('kind')
    .executeTakeFirst()
  if (!row?.manifest) throw notFound('trainer', `${name}@${found.version}`)
  const { publicUrl } = context.config
  return {
    name,
    version: found.version,
    digest: digests.includes(found.digest) ? found.digest : (digests[0] ?? found.digest),
    manifest: row.manifest,
    deprecation: found.notice.deprecation,
    bundle: bundle?.layerDigest
      ? {
          digest: bundle.layerDigest,
          sizeBytes: bundle.sizeBytes,
          url: `${publicUrl}/v2/${name}/blobs/${bundle.layerDigest}`,
          trust: bundle.trust,
        }
      : undefined,
    image: image && {
      reference: `${new URL(publicUrl).host}/${name}@${image.manifestDigest}`,
      digest: image.manifestDigest,
      trust: image.trust,
    },
    trust: trustOfParts(open.map(({ trust }) => trust)),
  }
}

function findNewest(
  versions: readonly VisibleVersion[],
  range: string,
  set: Awaited<ReturnType<typeof readSetChannels>>,
): VisibleVersion | undefined {
  const version =
    range === '' || isChannelName(range)
      ? channelsOf(versions, set).find((channel) => channel.name === (range || 'latest'))?.version
      : newestInRange(versions, range)
  return versions.find((candidate) => candidate.version === version)
}

/** Names the setting that refuses the version: pulling comes before running. */
function notTrusted(name: string, { version, parts }: VisibleVersion, tiers: TierPolicy): TrainyardError {
  const pullable = parts.some(({ trust }) => isTierIn(tiers.pull, trust))
  const [allowed, what, setting] = pullable
    ? [tiers.run, 'run', 'REGISTRY_TIERS_RUN']
    : [tiers.pull, 'be pulled', 'REGISTRY_TIERS_PULL']
  const rule =
    allowed.length === 0
      ? `no version ${what}`
      : `only versions ${what} that are ${allowed.map(formatTier).join(' or ')}`
  const trust = trustOfParts(parts.map((part) => part.trust))
  const seen = trust === undefined ? formatTier('unchecked') : formatTrust(trust)
  return new TrainyardError('forbidden', `this registry lets ${rule} (${setting}): ${name}@${version} is ${seen}`)
}
