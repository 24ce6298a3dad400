import type { RegistryContext } from '../context.ts'

export interface SbomToSave {
  repositoryId: number
  manifestDigest: string
  packageCount: number
  /** CycloneDX 1.6, as JSON. */
  content: string
}

/** Keeps the list of packages of a pushed manifest. A later one of the same manifest replaces it. */
export async function saveSbom({ database, clock }: RegistryContext, sbom: SbomToSave): Promise<void> {
  const content = {
    package_count: sbom.packageCount,
    content: sbom.content,
    created_at: clock.now(),
  }
  await database.db
    .insertInto('sboms')
    .values({ repository_id: sbom.repositoryId, manifest_digest: sbom.manifestDigest, ...content })
    .onConflict((conflict) => conflict.columns(['repository_id', 'manifest_digest']).doUpdateSet(content))
    .execute()
}
