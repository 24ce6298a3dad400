import type { PublishingJob } from '@trainyard/contract'
import { type CiIssuer, claimsOf } from './ci-issuers.ts'

/** What a publisher asks of a job. */
export interface PublisherConditions {
  repository: string
  repositoryId?: string | undefined
  ownerId?: string | undefined
  workflow?: string | undefined
  environment?: string | undefined
  ref?: string | undefined
}

/** Names are compared as the CI does: GitHub's ignore case. */
const same = ({ kind }: CiIssuer, one: string | undefined, other: string): boolean =>
  kind === 'github' ? one?.toLowerCase() === other.toLowerCase() : one === other

/** Whether the job belongs to the repository of a publisher, by its name or by its number. */
export function isOfRepository(
  issuer: CiIssuer,
  { repository, repositoryId }: PublisherConditions,
  job: PublishingJob,
) {
  return same(issuer, job.repository, repository) || (repositoryId !== undefined && job.repositoryId === repositoryId)
}

/** What keeps the job from publishing, in sentences. Empty: it may. */
export function findMismatches(issuer: CiIssuer, expected: PublisherConditions, job: PublishingJob): string[] {
  const claims = claimsOf(issuer)
  const reasons: string[] = []
  const require = (
    claim: string | undefined,
    pattern: string | undefined,
    actual: string | undefined,
    isSame: boolean,
  ) => {
    if (pattern === undefined || isSame) return
    const says = actual === undefined ? `has no ${claim ?? 'such claim'}` : `says ${claim} ${actual}`
    reasons.push(`the token ${says}, the publisher expects ${pattern}`)
  }
  const { repository, repositoryId, ownerId, workflow, environment, ref } = expected
  require(claims.repository, repository, job.repository, same(issuer, job.repository, repository))
  require(claims.repositoryId, repositoryId, job.repositoryId, job.repositoryId === repositoryId)
  require(claims.ownerId, ownerId, job.ownerId, job.ownerId === ownerId)
  require(claims.workflow, workflow, job.workflow, job.workflow === workflow)
  require(claims.environment, environment, job.environment, same(issuer, job.environment, environment ?? ''))
  require(claims.ref, ref, job.ref, ref !== undefined && matches(ref, job.ref ?? ''))
  // Without its number, the next owner of the repository's name could publish.
  if (job.repositoryId === undefined && repositoryId === undefined)
    reasons.push(`the token has no ${claims.repositoryId}, by which the repository is known`)
  return reasons
}

/** `*` stands for anything but "/". A pattern has at most three. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^/]*')}$`).test(text)
}
