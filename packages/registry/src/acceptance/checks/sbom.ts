import { saveSbom } from '../../sboms/save-sbom.ts'
import { createSbom } from '../scanners/cyclonedx.ts'
import type { AcceptanceCheck, CheckInput } from './check.ts'
import { listPackages, type PartPackages } from './list-packages.ts'
import { whyNotScanned } from './why-not-scanned.ts'

/** The list of the packages that a part contains, which is kept with it. */
export const sbom: AcceptanceCheck = {
  name: 'sbom',
  async run(input, reporter, signal) {
    try {
      const found = await listPackages(input, reporter, signal)
      const { repository_id, manifest_digest } = input.part
      await saveSbom(input.context, {
        repositoryId: repository_id,
        manifestDigest: manifest_digest,
        packageCount: found.packages.length,
        content: sbomOf(input, found),
      })
      const notes = [`${found.packages.length} packages were found`]
      if (found.unread.length === 0) return { outcome: 'done', notes }
      return {
        outcome: 'skipped',
        reason: `listed in part: ${found.unread.slice(0, 3).join(', ')} cannot be read`,
        notes,
      }
    } catch (error) {
      return whyNotScanned(input, 'sbom', error)
    }
  },
}

export function sbomOf({ context, part }: CheckInput, { packages, distribution }: PartPackages): string {
  return createSbom({
    name: part.trainer,
    version: part.version,
    digest: part.manifest_digest,
    packages,
    distribution,
    createdAt: context.clock.now(),
  })
}
