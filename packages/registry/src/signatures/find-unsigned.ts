import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { namespaceOf } from '../oci/names.ts'
import { policyFor } from '../sigstore/signing-policy.ts'
import { isPartReadable } from '../versions/readable.ts'
import { listSignatures } from './list-signatures.ts'

export interface PulledContent {
  repositoryId: number
  /** `namespace/name` */
  name: string
  digest: string
  kind: 'manifest' | 'blob'
}

/** A version that must be signed to be pulled, and is not. */
export interface UnsignedVersion {
  version: string
  /** What is missing. */
  reason: string
}

/**
 * The version that keeps strangers from pulling a manifest or blob, because its namespace demands signatures. Undefined: none is
 * demanded, one of the versions to which the content belongs is signed, or it is itself a signature. Signatures stay readable, so
 * that clients can verify them.
 */
export async function findUnsigned(
  context: RegistryContext,
  content: PulledContent,
): Promise<UnsignedVersion | undefined> {
  const { required } = policyFor(context.config.signingPolicies, namespaceOf(content.name))
  if (!required) return undefined
  const owners = await findOwners(context, content)
  const [first] = owners
  if (first === undefined) return undefined
  const digests = owners.map(({ digest }) => digest)
  const found = await listSignatures(context, { trainer: content.name, repositoryId: content.repositoryId, digests })
  if (found.some(({ verified }) => verified)) return undefined
  const reasons = [...new Set(found.map(({ reason }) => reason))]
  return { version: first.version, reason: reasons.length === 0 ? 'it has no signature' : reasons.join('; ') }
}

/** The published parts that contain a manifest, or of which a manifest refers to a blob. */
async function findOwners(
  { database, config }: RegistryContext,
  { repositoryId, digest, kind }: PulledContent,
): Promise<{ digest: string; version: string }[]> {
  const manifests =
    kind === 'manifest'
      ? sql`select ${digest}::text as digest`
      : sql`select manifest_digest as digest from manifest_references
          where repository_id = ${repositoryId} and digest = ${digest} and kind = 'blob'`
  const { rows } = await sql<{ digest: string; version: string }>`
    select distinct p.manifest_digest as digest, v.version from (${manifests}) m
      join part_manifests c on c.repository_id = ${repositoryId} and c.digest = m.digest
      join version_parts p on p.version_id = c.version_id and p.kind = c.kind
      join versions v on v.id = p.version_id
    where ${isPartReadable(config, 'p')}
    order by 1, 2
  `.execute(database.db)
  return rows
}
