import { type Kysely, sql } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { ManifestForm } from '../db/schema/manifests.ts'
import { READABLE_STATES } from './states.ts'

/** Blobs of this size, such as the empty config `{}`, belong to everything. */
const SHARED_BYTES = 2

/** A blob that also belongs to something that strangers cannot read. */
interface BlobOfUnpublished {
  digest: string
  /** `namespace/name@digest` */
  owner: string
}

/**
 * Finds blobs of these manifests that belong to a bundle (or image) of the same namespace, or of the repository from which they
 * were mounted, that strangers cannot read. A bundle is judged as a bundle: its archive does not get out as the layer of an
 * image. A blob that is already published counts as checked, so that no one can block a version by pushing its layers.
 */
export async function findBlobsOfUnpublished(
  db: Kysely<RegistryDatabase>,
  { repositoryId, manifests, of }: { repositoryId: number; manifests: readonly string[]; of: readonly ManifestForm[] },
): Promise<BlobOfUnpublished[]> {
  const { rows } = await sql<BlobOfUnpublished>`
    select distinct on (mine.digest) mine.digest, repository.name || '@' || other.digest as owner
    from manifest_references mine
    join repositories own on own.id = mine.repository_id
    join repository_blobs link on link.repository_id = mine.repository_id and link.digest = mine.digest
    join blobs on blobs.digest = mine.digest
    join manifest_references r on r.digest = mine.digest and r.kind = 'blob'
    join manifests other on other.repository_id = r.repository_id and other.digest = r.manifest_digest
    join repositories repository on repository.id = other.repository_id
    where mine.repository_id = ${repositoryId} and mine.manifest_digest = any(${manifests}) and mine.kind = 'blob'
      and blobs.size_bytes > ${SHARED_BYTES}
      and other.form = any(${of})
      and not (other.repository_id = mine.repository_id and other.digest = any(${manifests}))
      and (repository.namespace = own.namespace or repository.id = link.mounted_from)
      and not exists (
        select 1 from manifest_references published
        join part_manifests c on c.repository_id = published.repository_id and c.digest = published.manifest_digest
        join version_parts p on p.version_id = c.version_id and p.kind = c.kind
        where published.digest = mine.digest and published.kind = 'blob' and p.state in (${sql.join(READABLE_STATES)}))
  `.execute(db)
  return rows
}
