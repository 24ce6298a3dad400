import type { CheckResult, Trainer, TrainerManifest, TrainerVersion } from '@trainyard/contract'
import { notFound, TrainyardError } from '@trainyard/platform'
import type { Caller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { findRepository, type Repository } from '../repositories/repository.ts'
import { toSummary } from './list-trainers.ts'
import { listVersions, toVersionSummary, type VisibleVersion } from './versions.ts'

/** A trainer as the caller sees it: to everybody but its owner, what is not published does not exist. */
async function getVisible(
  context: RegistryContext,
  caller: Caller,
  name: string,
): Promise<{ repository: Repository; versions: VisibleVersion[] }> {
  const repository = await findRepository(context, name)
  const versions = repository ? await listVersions(context, repository.id, caller.may('inspect', name)) : []
  if (!repository || versions.length === 0) throw notFound('trainer', name)
  return { repository, versions }
}

/** The page of a trainer. */
export async function getTrainer(context: RegistryContext, caller: Caller, name: string): Promise<Trainer> {
  const { repository, versions } = await getVisible(context, caller, name)
  const shown = versions.find((version) => version.version === repository.latest_version)
  // Before the first publication its owner sees what was read of the newest push.
  for (const version of shown ? [shown] : versions) {
    const { manifest, readme } = await readContents(context, version)
    if (!manifest) continue
    return {
      ...toSummary(repository),
      ...(shown ? {} : unpublishedSummary(version, manifest)),
      readme: readme ?? '',
      manifest,
      versions: versions.map(toVersionSummary),
    }
  }
  const pushed = versions.map(({ version, state }) => `${version} (${state})`).join(', ')
  throw new TrainyardError('not_found', `"${name}" has no version whose trainer.json could be read; pushed: ${pushed}`)
}

function unpublishedSummary(version: VisibleVersion, manifest: TrainerManifest): Partial<Trainer> {
  const { displayName, description, taskTypes, framework, license, keywords } = manifest
  const { pushedAt } = toVersionSummary(version)
  return {
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

/** One version, with what its checks said. */
export async function getVersion(
  context: RegistryContext,
  caller: Caller,
  name: string,
  version: string,
): Promise<TrainerVersion> {
  const { versions } = await getVisible(context, caller, name)
  const found = versions.find((candidate) => candidate.version === version)
  if (!found) {
    const list = versions.map((candidate) => candidate.version)
    throw new TrainyardError('not_found', `"${name}" has no version "${version}"; it has ${list.join(', ')}`, {
      extra: { versions: list },
    })
  }
  const { manifest, readme } = await readContents(context, found)
  const checkId = found.parts.at(-1)?.checkId
  return {
    ...toVersionSummary(found),
    name,
    ...(manifest ? { manifest } : {}),
    ...(readme === undefined ? {} : { readme }),
    ...(checkId === undefined ? {} : { checkId }),
    checks: await readChecks(context, found),
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

/** The checks of both parts; those of an image beside a bundle say so. */
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
