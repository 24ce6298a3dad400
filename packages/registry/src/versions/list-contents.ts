import { type Kysely, sql } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { ManifestForm } from '../db/schema/manifests.ts'

/** Each image is checked as itself. */
const MAX_IMAGES = 32
/** Images, their attestations, and indexes. */
const MAX_MANIFESTS = 128

/** What a pushed part consists of. */
interface PartContents {
  /** Digests of all its manifests, its own first. Publishing opens exactly these, and the blobs that they refer to. */
  manifests: string[]
  /** Digests of the images that can run. Each must be checked. */
  images: string[]
  /** Why it cannot be published, whatever its checks say. */
  refusals: string[]
}

/** Lists the manifests of a part: its own and, for an index, those that can be reached from it. */
export async function listContents(
  db: Kysely<RegistryDatabase>,
  { repositoryId, digest }: { repositoryId: number; digest: string },
): Promise<PartContents> {
  const { rows } = await sql<{ digest: string; form: ManifestForm | null }>`
    with recursive reachable (digest) as (
      select ${digest}::text
      union
      select r.digest from manifest_references r join reachable on r.manifest_digest = reachable.digest
      where r.repository_id = ${repositoryId} and r.kind = 'manifest'
    )
    select reachable.digest, m.form from (select digest from reachable limit ${MAX_MANIFESTS + 1}) reachable
    left join manifests m on m.repository_id = ${repositoryId} and m.digest = reachable.digest
  `.execute(db)
  const others = rows.filter((row) => row.digest !== digest)
  const images = rows.filter(({ form }) => form === 'image').map((row) => row.digest)
  const refusals = others.flatMap((row) => refusalOf(row))
  if (rows.length > MAX_MANIFESTS) refusals.push(`the index lists more than ${MAX_MANIFESTS} manifests`)
  if (images.length > MAX_IMAGES) refusals.push(`the index lists more than ${MAX_IMAGES} images`)
  return { manifests: [digest, ...others.map((row) => row.digest)], images, refusals }
}

function refusalOf({ digest, form }: { digest: string; form: ManifestForm | null }): string[] {
  switch (form) {
    case 'image':
    case 'index':
    case 'attachment':
      return []
    case 'bundle':
      return [`the index lists the bundle ${digest}; push bundles as versions of their own`]
    case 'artifact':
      return [`the index lists ${digest}, which is neither an image nor a signature or attestation`]
    case null:
      return [`the index lists ${digest}, which was not pushed to this repository`]
  }
}
