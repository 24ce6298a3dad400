import type { CheckResult, Trainer, TrainerManifest, TrainerSummary, TrainerVersion } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { verifiedAs } from '../names/verified-namespaces.ts'
import { readRatings } from '../ratings/read-ratings.ts'
import { countPackages } from '../sboms/count-packages.ts'
import { listSignatures } from '../signatures/list-signatures.ts'
import { channelsOf, readSetChannels } from '../versions/channels.ts'
import { findVersion, getVisible } from './find-version.ts'
import { toSummary } from './list-trainers.ts'
import { listReadmePictures } from './readme-pictures.ts'
import { toVersionSummary, type VisibleVersion } from './versions.ts'

/** Gets a trainer with its README, manifest and versions. */
export async function getTrainer(context: RegistryContext, caller: RegistryCaller, name: string): Promise<Trainer> {
  const { repository, versions } = await getVisible(context, caller, name)
  const latest = versions.find((version) => version.version === repository.latest_version)
  // Before the first publication, the owner sees the newest pushed version whose manifest could be read.
  for (const version of latest ? [latest] : versions) {
    const { manifest, readme } = await readContents(context, version)
    if (!manifest) continue
    const owners = await verifiedAs(context.database.db, [repository.namespace])
    const ratings = await readRatings(context.database.db, [repository.id])
    const summary = toSummary(repository, owners, ratings)
    return {
      ...(latest ? summary : unpublishedSummary(summary, version, manifest)),
      readme: readme ?? '',
      manifest,
      versions: versions.map(toVersionSummary),
      channels: channelsOf(versions, await readSetChannels(context.database.db, repository.id)),
      mayChange: caller.may('push', name),
    }
  }
  const pushed = versions.map(({ version, state }) => `${version} (${state})`).join(', ')
  throw new TrainyardError('not_found', `"${name}" has no version whose trainer.json could be read; pushed: ${pushed}`)
}

function unpublishedSummary(
  summary: TrainerSummary,
  version: VisibleVersion,
  manifest: TrainerManifest,
): TrainerSummary {
  const { displayName, description, taskTypes, framework, license, keywords } = manifest
  const { pushedAt } = toVersionSummary(version)
  return {
    ...summary,
    displayName,
    description,
    latestVersion: version.version,
    taskTypes,
    framework,
    license,
    keywords,
    publishedAt: pushedAt,
  }
}

/** Gets one version with the results of its checks. */
export async function getVersion(
  context: RegistryContext,
  caller: RegistryCaller,
  name: string,
  version: string,
): Promise<TrainerVersion> {
  const { repository, found } = await findVersion(context, caller, { name, version })
  const { manifest, readme } = await readContents(context, found)
  return {
    ...toVersionSummary(found),
    name,
    manifest,
    readme,
    readmePictures: await listReadmePictures(context, found),
    checkId: found.parts.at(-1)?.checkId,
    checks: await readChecks(context, found),
    signatures: await listSignatures(context, {
      trainer: name,
      repositoryId: repository.id,
      digests: found.parts.map(({ manifestDigest }) => manifestDigest),
    }),
    sboms: (await countPackages(context, repository.id, found.parts)).map(({ part, packages }) => ({ part, packages })),
  }
}

async function readContents(
  context: RegistryContext,
  { id, parts }: VisibleVersion,
): Promise<{ manifest: TrainerManifest | undefined; readme: string | undefined }> {
  const rows = await context.database.db
    .selectFrom('version_parts')
    .select(['kind', 'manifest', 'readme'])
    .where('version_id', '=', id)
    .where(
      'kind',
      'in',
      parts.map((part) => part.kind),
    )
    .orderBy('kind')
    .execute()
  return {
    manifest: rows.find((row) => row.manifest !== null)?.manifest ?? undefined,
    readme: rows.find((row) => row.readme !== null)?.readme ?? undefined,
  }
}

/** The checks of both parts. If there are two, names of the image's checks start with "image". */
async function readChecks(context: RegistryContext, { parts }: VisibleVersion): Promise<CheckResult[]> {
  const rows = await context.database.db
    .selectFrom('checks')
    .select(['kind', 'results'])
    .where(
      'id',
      'in',
      parts.map((part) => part.checkId),
    )
    .orderBy('kind')
    .execute()
  return rows.flatMap(({ kind, results }) =>
    kind === 'image' && rows.length > 1
      ? results.map((result) => ({ ...result, name: `image ${result.name}` }))
      : results,
  )
}
