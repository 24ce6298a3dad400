import { TrainyardError } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { findVersion } from './find-version.ts'
import type { VisibleVersion } from './versions.ts'

/** The paths of the pictures of a version's README. */
export async function listReadmePictures(context: RegistryContext, { id, parts }: VisibleVersion): Promise<string[]> {
  const rows = await context.database.db
    .selectFrom('readme_pictures')
    .select('path')
    .distinct()
    .where('version_id', '=', id)
    .where(
      'kind',
      'in',
      parts.map(({ kind }) => kind),
    )
    .orderBy('path')
    .execute()
  return rows.map(({ path }) => path)
}

/**
 * A picture of the README of a version that the caller may see.
 *
 * @throws TrainyardError `not_found`
 */
export async function getReadmePicture(
  context: RegistryContext,
  caller: RegistryCaller,
  { name, version, path }: { name: string; version: string; path: string },
) {
  const { found } = await findVersion(context, caller, { name, version })
  const picture = await context.database.db
    .selectFrom('readme_pictures')
    .select(['content', 'content_type'])
    .where('version_id', '=', found.id)
    .where(
      'kind',
      'in',
      found.parts.map(({ kind }) => kind),
    )
    .where('path', '=', path)
    .executeTakeFirst()
  if (picture === undefined)
    throw new TrainyardError(
      'not_found',
      `The README of ${name} ${version} shows no picture of the trainer at "${path}"`,
    )
  return picture
}
