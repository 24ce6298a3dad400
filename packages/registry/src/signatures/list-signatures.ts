import { setImmediate } from 'node:timers/promises'
import type { VersionSignature } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { readLimited } from '../oci/bodies.ts'
import { blobKey, namespaceOf } from '../oci/names.ts'
import { type Descriptor, ImageManifest } from '../oci/parse-manifest.ts'
import { isSignatureLayer, readCandidate, UnfitSignature } from '../sigstore/candidates.ts'
import { type KnownPublisher, whyNotTrusted } from '../sigstore/signer.ts'
import { policyFor } from '../sigstore/signing-policy.ts'
import { conditionsOf, issuersOf } from '../trusted-publishing/publishers.ts'

/** Signatures of one manifest that are read, newest first: anyone who may push can attach more. */
const MAX_SIGNATURES = 20
const MAX_BYTES = 4 * 1024 * 1024

interface Signed {
  trainer: string
  repositoryId: number
  /** Digests of the manifests of a version. */
  digests: readonly string[]
}

/** The signatures and attestations of a version, each verified, with the reason if it does not count. */
export async function listSignatures(context: RegistryContext, signed: Signed): Promise<VersionSignature[]> {
  const attachments = await findAttachments(context, signed)
  if (attachments.length === 0) return []
  const publishers = await findPublishers(context, signed.trainer)
  const policy = policyFor(context.config.signingPolicies, namespaceOf(signed.trainer))
  const found: VersionSignature[] = []
  for (const { digest, at, subject, layer } of attachments) {
    // Layers of one manifest can have the same bytes, and differ in the annotations that hold the signature.
    const key = `${digest} ${at} ${subject.digest}`
    const verified = await context.signatures.verify(key, async () =>
      readCandidate(layer, await readContent(context, layer), subject),
    )
    const base = { digest, subject: subject.digest, predicateType: verified.predicateType }
    if ('reason' in verified) found.push({ ...base, verified: false, reason: verified.reason })
    else {
      const { identity, issuer } = verified.signer
      const reason = whyNotTrusted(verified.signer, { trainer: signed.trainer, publishers, policy })
      found.push({ ...base, verified: reason === undefined, signer: identity, issuer, reason })
    }
    // Verifying takes milliseconds: others do not wait for all of them.
    await setImmediate()
  }
  return found
}

/** @throws TrainyardError `forbidden` if the policy of the namespace requires a signature and there is none that counts */
export async function requireSignature(
  context: RegistryContext,
  { version, ...signed }: Signed & { version: string },
): Promise<void> {
  const { required } = policyFor(context.config.signingPolicies, namespaceOf(signed.trainer))
  if (!required) return
  const found = await listSignatures(context, signed)
  for (const digest of signed.digests) {
    const own = found.filter(({ subject }) => subject === digest)
    if (own.some(({ verified }) => verified)) continue
    const why = own.length === 0 ? 'it has no signature' : own.map(({ reason }) => reason).join('; ')
    throw new TrainyardError(
      'forbidden',
      `Versions of ${namespaceOf(signed.trainer)} must be signed to be run (REGISTRY_SIGNING_POLICY), and ${signed.trainer}@${version} is not: ${why}`,
    )
  }
}

interface Subject {
  digest: string
  content: Buffer
}

/** Referrers of OCI 1.1, and cosign's tags `sha256-….sig` and `.att`. */
async function findAttachments({ database }: RegistryContext, { repositoryId, digests }: Signed) {
  const rows = await database.db
    .selectFrom('attachments')
    .innerJoin('manifests', (join) =>
      join
        .onRef('manifests.repository_id', '=', 'attachments.repository_id')
        .onRef('manifests.digest', '=', 'attachments.digest'),
    )
    .innerJoin('manifests as subject', (join) =>
      join
        .onRef('subject.repository_id', '=', 'attachments.repository_id')
        .onRef('subject.digest', '=', 'attachments.subject_digest'),
    )
    .select([
      'manifests.digest',
      'manifests.content',
      'subject.digest as subject_digest',
      'subject.content as subject_content',
    ])
    .where('attachments.repository_id', '=', repositoryId)
    .where('attachments.subject_digest', 'in', digests)
    .where('manifests.form', '=', 'attachment')
    .orderBy('manifests.created_at', 'desc')
    .orderBy('manifests.digest')
    .limit(MAX_SIGNATURES)
    .execute()
  return rows
    .flatMap((row) => {
      const manifest = ImageManifest.safeParse(JSON.parse(Buffer.from(row.content).toString('utf8')))
      const layers = manifest.success ? manifest.data.layers.filter(isSignatureLayer) : []
      const subject: Subject = { digest: row.subject_digest, content: Buffer.from(row.subject_content) }
      return layers.map((layer, at) => ({ digest: row.digest, at, subject, layer }))
    })
    .slice(0, MAX_SIGNATURES)
}

async function readContent({ store }: RegistryContext, { digest }: Descriptor): Promise<Buffer> {
  const bytes = await readLimited((await store.get(blobKey(digest))).body, MAX_BYTES)
  if (bytes === undefined) throw new UnfitSignature(`it is larger than ${MAX_BYTES} bytes`)
  return Buffer.from(bytes)
}

async function findPublishers(context: RegistryContext, trainer: string): Promise<KnownPublisher[]> {
  const rows = await context.database.db
    .selectFrom('trusted_publishers')
    .selectAll()
    .where('trainer', '=', trainer)
    .execute()
  return rows.flatMap((row) => {
    const issuer = issuersOf(context).find((one) => one.issuer === row.issuer)
    return issuer === undefined ? [] : [{ issuer, conditions: conditionsOf(row) }]
  })
}
