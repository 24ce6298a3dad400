import { TrainyardError } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { findRepository, type Repository } from '../repositories/repository.ts'
import { unknownTrainer } from './unknown-trainer.ts'
import { listVersions, type VisibleVersion } from './versions.ts'

/** The versions of a trainer that the caller may see. Only its owner may see versions that are not published. */
export async function getVisible(
  context: RegistryContext,
  caller: RegistryCaller,
  name: string,
): Promise<{ repository: Repository; versions: VisibleVersion[] }> {
  const repository = await findRepository(context, name)
  const versions = repository ? await listVersions(context, repository.id, caller.may('inspect', name)) : []
  if (!repository || versions.length === 0) throw await unknownTrainer(context, name)
  return { repository, versions }
}

/**
 * A version that the caller may see.
 *
 * @throws TrainyardError `not_found`, with the versions that exist
 */
export async function findVersion(
  context: RegistryContext,
  caller: RegistryCaller,
  { name, version }: { name: string; version: string },
): Promise<{ repository: Repository; found: VisibleVersion }> {
  const { repository, versions } = await getVisible(context, caller, name)
  const found = versions.find((candidate) => candidate.version === version)
  if (!found) {
    const list = versions.map((candidate) => candidate.version)
    throw new TrainyardError(
      'not_found',
      `"${name}" has no version "${version}"; its versions are ${list.join(', ')}`,
      {
        extra: { versions: list },
      },
    )
  }
  return { repository, found }
}
