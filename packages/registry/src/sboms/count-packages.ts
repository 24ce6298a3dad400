import type { PartKind } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'

export interface CountedPart {
  part: PartKind
  manifestDigest: string
  packages: number
}

/** The parts that have a list of packages, with the number of packages. */
export async function countPackages(
  { database }: RegistryContext,
  repositoryId: number,
  parts: readonly { kind: PartKind; manifestDigest: string }[],
): Promise<CountedPart[]> {
  const rows = await database.db
    .selectFrom('sboms')
    .select(['manifest_digest', 'package_count'])
    .where('repository_id', '=', repositoryId)
    .where(
      'manifest_digest',
      'in',
      parts.map((part) => part.manifestDigest),
    )
    .execute()
  return parts.flatMap(({ kind, manifestDigest }) => {
    const row = rows.find((each) => each.manifest_digest === manifestDigest)
    return row === undefined ? [] : [{ part: kind, manifestDigest, packages: row.package_count }]
  })
}
