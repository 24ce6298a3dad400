import type { Signer } from '@sigstore/verify'
import type { CiIssuer } from '../job-tokens/ci-issuers.ts'
import { findMismatches, type PublisherConditions } from '../job-tokens/match-publisher.ts'
import type { SigningPolicy } from './signing-policy.ts'

/** Whose signature it is, as the certificate says. */
export interface SignerIdentity {
  /** An e-mail address, or the address of a workflow. */
  identity: string
  issuer: string
  /** The number of the repository whose job signed. */
  repositoryId: string | undefined
  ownerId: string | undefined
}

/** Extensions of Fulcio: "Source Repository Identifier" and "Source Repository Owner Identifier". */
const REPOSITORY_ID = '1.3.6.1.4.1.57264.1.15'
const OWNER_ID = '1.3.6.1.4.1.57264.1.17'

export function readSigner({ identity }: Signer): SignerIdentity | undefined {
  const { subjectAlternativeName, extensions, oids = [] } = identity ?? {}
  if (subjectAlternativeName === undefined || extensions?.issuer === undefined) return undefined
  const extension = (name: string) => {
    const found = oids.find(({ oid }) => oid?.id.join('.') === name)
    // A UTF8String of DER, of at most 127 bytes.
    const value = found && Buffer.from(found.value)
    return value?.[0] === 0x0c && value[1] === value.byteLength - 2 ? value.subarray(2).toString('utf8') : undefined
  }
  return {
    identity: subjectAlternativeName,
    issuer: extensions.issuer,
    repositoryId: extension(REPOSITORY_ID),
    ownerId: extension(OWNER_ID),
  }
}

export interface KnownPublisher {
  issuer: CiIssuer
  conditions: PublisherConditions
}

/** What keeps the signer from counting. Undefined: it is a publisher of the trainer, or the policy names it. */
export function whyNotTrusted(
  signer: SignerIdentity,
  { trainer, publishers, policy }: { trainer: string; publishers: readonly KnownPublisher[]; policy: SigningPolicy },
): string | undefined {
  const isNamed = policy.signers.some(
    ({ issuer, identity }) => issuer === signer.issuer && matchesPattern(identity, signer.identity),
  )
  if (isNamed || publishers.some((publisher) => isPublisher(publisher, signer))) return undefined
  return `the signature is genuine, but its signer is neither a publisher of ${trainer} nor named by the registry's policy`
}

/** `https://github.com/acme/detector/.github/workflows/release.yml@refs/tags/v1`, or GitLab's with `//`. */
function isPublisher({ issuer, conditions }: KnownPublisher, signer: SignerIdentity): boolean {
  if (signer.issuer !== issuer.issuer) return false
  const folder = issuer.kind === 'gitlab' ? '//' : '/.github/workflows/'
  const [, repository, workflow, ref] =
    /^https:\/\/[^/]+\/(.+?)(?:\/\.github\/workflows\/|\/\/)([^@]+)@(refs\/.+)$/.exec(signer.identity) ?? []
  if (repository === undefined || !signer.identity.includes(`${repository}${folder}`)) return false
  // Certificates do not name the environment: the signer is the workflow.
  const { environment: _, ...expected } = conditions
  const { repositoryId = expected.repositoryId, ownerId = expected.ownerId } = signer
  // Where the number is not known on either side, the name of the repository decides.
  const job = { issuer: issuer.name, repository, workflow, ref, ownerId, repositoryId: repositoryId ?? 'unknown' }
  return findMismatches(issuer, expected, job).length === 0
}

function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(text)
}
