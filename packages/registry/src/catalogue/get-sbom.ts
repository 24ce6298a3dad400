import { type PartKind, Sbom } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { countPackages } from '../sboms/count-packages.ts'
import { findVersion } from './find-version.ts'

export interface SbomOfVersion {
  name: string
  version: string
  /** Default: the image, or the bundle when only that has a list. */
  part?: PartKind | undefined
}

/** The list of packages of a version, as CycloneDX. Any caller who can see the version can read it. */
export async function getSbom(
  context: RegistryContext,
  caller: RegistryCaller,
  { name, version, part }: SbomOfVersion,
): Promise<Sbom> {
  const { repository, found } = await findVersion(context, caller, { name, version })
  const listed = await countPackages(context, repository.id, found.parts)
  const one =
    part === undefined
      ? (listed.find((each) => each.part === 'image') ?? listed[0])
      : listed.find((each) => each.part === part)
  const row = await context.database.db
    .selectFrom('sboms')
    .select('content')
    .where('repository_id', '=', repository.id)
    .where('manifest_digest', '=', one?.manifestDigest ?? '')
    .executeTakeFirst()
  if (row === undefined) throw noSbom({ name, version, part })
  return Sbom.parse(JSON.parse(row.content))
}

function noSbom({ name, version, part }: SbomOfVersion): TrainyardError {
  const what = part === undefined ? '' : ` for its ${part}`
  return new TrainyardError(
    'not_found',
    `"${name}" ${version} has no list of packages${what}: the check "sbom" did not run, or has not finished`,
  )
}
