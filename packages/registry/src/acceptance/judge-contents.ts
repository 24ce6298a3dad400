import type { CheckResult, Finding } from '@trainyard/contract'
import type { Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { PartKind } from '../db/schema/version-parts.ts'
import { findBlobsOfUnpublished } from '../versions/find-blobs-of-unpublished.ts'
import { listContents } from '../versions/list-contents.ts'
import { createFinding } from './findings.ts'

interface Part {
  repositoryId: number
  digest: string
  kind: PartKind
}

/** What publishing a part would open, and why it must not. `checked` are the digests of the images that were checked. */
export async function judgeContents(
  trx: Transaction<RegistryDatabase>,
  { repositoryId, digest, kind }: Part,
  checked: readonly string[],
): Promise<{ contents: string[]; findings: Finding[] }> {
  if (kind === 'bundle') return { contents: [digest], findings: [] }
  const { manifests, images, refusals } = await listContents(trx, { repositoryId, digest })
  const unchecked = images
    .filter((image) => !checked.includes(image))
    .map((image) => createFinding('TY194', `the image ${image} was not checked`))
  const taken = await findBlobsOfUnpublished(trx, { repositoryId, manifests, of: ['bundle'] })
  return {
    contents: manifests,
    findings: [
      ...refusals.map((refusal) => createFinding('TY194', refusal)),
      ...unchecked,
      ...taken.map((blob) =>
        createFinding('TY195', `the layer or config ${blob.digest} is part of the bundle ${blob.owner}`),
      ),
    ],
  }
}

/** Adds findings to the check of the manifest, which then fails. */
export function withFindings(results: readonly CheckResult[], findings: readonly Finding[]): readonly CheckResult[] {
  if (findings.length === 0) return results
  return results.map((result) =>
    result.name === 'manifest'
      ? {
          ...result,
          status: result.status === 'passed' ? 'failed' : result.status,
          findings: [...findings, ...result.findings],
        }
      : result,
  )
}
