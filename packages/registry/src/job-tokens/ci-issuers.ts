import type { PublishingJob } from '@trainyard/contract'
import type { JWTPayload } from 'jose'
import { z } from 'zod'

const ClaimName = z.string().min(1).max(100)

/** The claims that say which job a token was issued to. */
const JobClaims = z.strictObject({
  repository: ClaimName,
  repositoryId: ClaimName,
  ownerId: ClaimName.optional(),
  workflow: ClaimName.optional(),
  environment: ClaimName.optional(),
  ref: ClaimName.optional(),
  sha: ClaimName.optional(),
  run: ClaimName.optional(),
})
export type JobClaims = z.output<typeof JobClaims>

const GITHUB: JobClaims = {
  repository: 'repository',
  repositoryId: 'repository_id',
  ownerId: 'repository_owner_id',
  // The file that defines the job, also when another workflow calls it.
  workflow: 'job_workflow_ref',
  environment: 'environment',
  ref: 'ref',
  sha: 'sha',
  run: 'run_id',
}
const GITLAB: JobClaims = {
  repository: 'project_path',
  repositoryId: 'project_id',
  ownerId: 'namespace_id',
  workflow: 'ci_config_ref_uri',
  environment: 'environment',
  ref: 'ref_path',
  sha: 'sha',
  run: 'pipeline_id',
}

/** Keys that anyone on the way could replace are no proof. */
const isSafe = (url: string): boolean => {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
const SafeUrl = z.url({ protocol: /^https?$/ }).refine(isSafe, 'must be an https address, except on this machine')

/** A CI whose OIDC tokens can be exchanged for tokens to push with. The list is the operator's. */
const CiIssuer = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,29}$/, 'must hold up to 30 lower-case letters, digits and hyphens'),
    issuer: SafeUrl,
    kind: z.enum(['github', 'gitlab', 'other']).default('other'),
    jwksUrl: SafeUrl.optional(),
    claims: JobClaims.optional(),
  })
  .refine(({ kind, claims }) => (kind === 'other') === (claims !== undefined), {
    message: 'are required with the kind "other", and known with the others',
    path: ['claims'],
  })
export type CiIssuer = z.output<typeof CiIssuer>

export const CiIssuers = z
  .array(CiIssuer)
  .refine(
    (all) => new Set(all.flatMap(({ name, issuer }) => [name, issuer])).size === 2 * all.length,
    'must have different names and addresses',
  )

export const DEFAULT_CI_ISSUERS: CiIssuer[] = [
  { name: 'github', issuer: 'https://token.actions.githubusercontent.com', kind: 'github' },
  { name: 'gitlab', issuer: 'https://gitlab.com', kind: 'gitlab' },
]

export function claimsOf({ kind, claims }: CiIssuer): JobClaims {
  return claims ?? (kind === 'gitlab' ? GITLAB : GITHUB)
}

function claim(payload: JWTPayload, name: string | undefined): string | undefined {
  if (name === undefined || !Object.hasOwn(payload, name)) return undefined
  const value = payload[name]
  if (typeof value === 'number') return String(value)
  // The texts are shown, and become parts of messages.
  return typeof value === 'string' && value !== '' ? value.replace(/\p{Cc}/gu, ' ').slice(0, 255) : undefined
}

/** What a verified token says about its job. */
export function readJob(issuer: CiIssuer, payload: JWTPayload): PublishingJob {
  const names = claimsOf(issuer)
  const repository = claim(payload, names.repository)
  const workflow = claim(payload, names.workflow)
  return {
    issuer: issuer.name,
    repository,
    repositoryId: claim(payload, names.repositoryId),
    ownerId: claim(payload, names.ownerId),
    workflow: workflow && fileOf(issuer, workflow, repository ?? ''),
    environment: claim(payload, names.environment),
    ref: claim(payload, names.ref),
    sha: claim(payload, names.sha),
    run: claim(payload, names.run),
  }
}

/**
 * The file of a workflow of the repository: `acme/detector/.github/workflows/release.yml@refs/heads/main` is `release.yml`.
 * A file of another repository keeps its whole name, so it equals no condition.
 */
function fileOf({ kind }: CiIssuer, text: string, repository: string): string {
  if (kind === 'other') return text
  const [, path = text] = /^(.*?)@refs?\//.exec(text) ?? /^(.*?)@[0-9a-f]{40,64}$/.exec(text) ?? []
  if (kind === 'github') {
    const folder = `${repository}/.github/workflows/`
    return path.toLowerCase().startsWith(folder.toLowerCase()) ? path.slice(folder.length) : path
  }
  const at = path.indexOf('//')
  const project = path.slice(path.indexOf('/') + 1, at)
  return at !== -1 && project === repository ? path.slice(at + 2) : path
}
