import { z } from 'zod'
import { Timestamp, TrainerName } from './primitives.ts'
import { trimmedLine } from './readable-text.ts'

/** GitHub and GitLab number repositories and their owners. Names can change hands; numbers cannot. */
const NumericId = z.string().regex(/^\d{1,20}$/, 'must be a number, as the CI writes it in its tokens')

const Conditions = {
  repository: trimmedLine(255)
    .regex(/^[^\s/]+(\/[^\s/]+)+$/, 'must be OWNER/NAME')
    .describe('The repository whose jobs may publish: "acme/detector"'),
  repositoryId: NumericId.optional().describe('Default: the number in the first token that matches, from then on'),
  ownerId: NumericId.optional().describe('The number of the owner of the repository. Default: as for `repositoryId`'),
  workflow: trimmedLine(255)
    .optional()
    .describe('File of the workflow: "release.yml" in .github/workflows, or ".gitlab-ci.yml"'),
  environment: trimmedLine(255).optional().describe('The environment in which the job runs'),
  ref: trimmedLine(255)
    .regex(/^refs\//, 'must begin with refs/, such as "refs/tags/v*"')
    .refine((ref) => ref.split('*').length <= 4, 'must have at most three "*"')
    .optional()
    .describe('The branch or tag, where "*" stands for anything but "/": "refs/tags/v*"'),
}

/** `POST /v1/trainers/{namespace}/{name}/publishers`. The trainer need not exist yet. */
export const AddPublisherRequest = z
  .strictObject({
    issuer: trimmedLine(255).describe('Name of an issuer, see `GET /v1/publishing`: "github"'),
    ...Conditions,
  })
  .refine(
    ({ workflow, environment, ref }) => workflow !== undefined || environment !== undefined || ref !== undefined,
    {
      message:
        'at least one of workflow, environment and ref is required, or every job of the repository could publish',
      path: ['workflow'],
    },
  )
  .meta({ id: 'AddPublisherRequest' })
export type AddPublisherRequest = z.infer<typeof AddPublisherRequest>

/** What a token of a CI says about its job. */
export const PublishingJob = z
  .object({
    issuer: z.string(),
    repository: z.string().optional(),
    repositoryId: z.string().optional(),
    ownerId: z.string().optional(),
    workflow: z.string().optional(),
    environment: z.string().optional(),
    ref: z.string().optional(),
    sha: z.string().optional(),
    run: z.string().optional().describe('The number of the run or job'),
  })
  .meta({ id: 'PublishingJob' })
export type PublishingJob = z.infer<typeof PublishingJob>

/** A repository whose jobs may publish versions of a trainer without a stored secret. */
export const Publisher = z
  .object({
    id: z.string(),
    trainer: z.string(),
    issuer: z.string().describe('The name of the issuer, or its address if the registry does not accept it any more'),
    ...Conditions,
    isPending: z.boolean().describe('The trainer does not exist yet: its first version can come from this publisher'),
    createdAt: Timestamp,
    lastUse: PublishingJob.extend({ at: Timestamp }).optional(),
    lastRefusal: z
      .object({ at: Timestamp, reasons: z.array(z.string()) })
      .optional()
      .describe('The last token of this repository that did not match, and why'),
  })
  .meta({ id: 'Publisher' })
export type Publisher = z.infer<typeof Publisher>

/** `GET /v1/trainers/{namespace}/{name}/publishers` */
export const PublisherList = z.object({ publishers: z.array(Publisher) }).meta({ id: 'PublisherList' })
export type PublisherList = z.infer<typeof PublisherList>

/** `POST /v1/trainers/{namespace}/{name}/publishers/{id}/test` */
export const TestPublisherRequest = z
  .strictObject({
    token: z.string().min(1).max(16_384).optional().describe('A token of a job. Default: only the issuer is tested'),
  })
  .meta({ id: 'TestPublisherRequest' })
export type TestPublisherRequest = z.infer<typeof TestPublisherRequest>

/** What a test of a publisher found. Nothing was published, and the token can still be used. */
export const PublisherTest = z
  .object({
    ok: z.boolean(),
    reasons: z.array(z.string()).describe('What keeps the job from publishing. Empty if `ok`'),
    keys: z.number().int().optional().describe('The number of keys of the issuer'),
    job: PublishingJob.optional(),
  })
  .meta({ id: 'PublisherTest' })
export type PublisherTest = z.infer<typeof PublisherTest>

/** `GET /v1/publishing`: what a CI needs to know before it asks for a token. */
export const PublishingInfo = z
  .object({
    audience: z.string().describe('The audience that a token for this registry must have'),
    issuers: z.array(z.object({ name: z.string(), issuer: z.string() })),
  })
  .meta({ id: 'PublishingInfo' })
export type PublishingInfo = z.infer<typeof PublishingInfo>

/** `POST /v1/publishing/tokens`: exchanges a token of a CI for one that can push versions of one trainer. */
export const ExchangeTokenRequest = z
  .strictObject({
    trainer: TrainerName,
    token: z.string().min(1).max(16_384).describe('The OIDC token of the job'),
  })
  .meta({ id: 'ExchangeTokenRequest' })
export type ExchangeTokenRequest = z.infer<typeof ExchangeTokenRequest>

export const ExchangedToken = z
  .object({
    token: z.string().describe('Shown once'),
    expiresAt: Timestamp,
    trainer: z.string(),
    publisher: z.string(),
  })
  .meta({ id: 'ExchangedToken' })
export type ExchangedToken = z.infer<typeof ExchangedToken>
