import { z } from 'zod'
import { CheckResult } from './findings.ts'
import { PublishedManifest } from './manifest.ts'
import { Digest, SemVer, SizeBytes, TaskType, Timestamp, TrainerName } from './primitives.ts'
import { trimmedLine } from './readable-text.ts'
import { Rating } from './reviews-api.ts'

/** The state of a version. Until it is `published`, only its owner and the checks can pull it. */
export const VersionState = z.enum(['received', 'checking', 'published', 'rejected', 'deprecated', 'yanked'])
export type VersionState = z.infer<typeof VersionState>

/** The states of a version whose content another push of the same number may replace. */
export const MUTABLE_STATES: readonly VersionState[] = ['received', 'checking', 'rejected']

/** How far a version was checked. */
export const TrustTier = z.enum(['checked', 'checked_in_part', 'unchecked'])
export type TrustTier = z.infer<typeof TrustTier>

/** How far a published version was checked, and which required checks did not pass. */
export const Trust = z
  .object({
    tier: TrustTier,
    skipped: z.array(z.object({ check: z.string(), reason: z.string() })).describe('Required checks that did not pass'),
  })
  .meta({ id: 'Trust' })
export type Trust = z.infer<typeof Trust>

/** A trainer in the list of the marketplace. */
export const TrainerSummary = z
  .object({
    name: z.string(),
    displayName: z.string(),
    description: z.string(),
    latestVersion: z.string(),
    taskTypes: z.array(TaskType),
    framework: z.string(),
    license: z.string(),
    keywords: z.array(z.string()),
    pulls: z.number().int(),
    publishedAt: Timestamp,
    rating: Rating.optional().describe('Absent without reviews'),
    trust: Trust.optional().describe('How far the latest version was checked. Of two parts, the weaker one'),
    verifiedAs: z
      .array(z.string())
      .default([])
      .describe('The domains and repositories that its namespace was found to own'),
  })
  .meta({ id: 'TrainerSummary' })
export type TrainerSummary = z.infer<typeof TrainerSummary>

const FacetValues = z.array(z.object({ value: z.string(), count: z.number().int() }))

/** How many trainers each value of a filter would leave: the other filters apply, that of the same name does not. */
export const TrainerFacets = z
  .object({
    task: FacetValues,
    framework: FacetValues,
    export: FacetValues.describe('Formats of export'),
    reads: FacetValues.describe('Formats of datasets'),
    license: FacetValues,
    tier: FacetValues.describe('Trust tiers of the latest version'),
  })
  .meta({ id: 'TrainerFacets' })
export type TrainerFacets = z.infer<typeof TrainerFacets>

/** `GET /v1/trainers?q=&task=&framework=&export=&reads=&license=&sort=&cursor=&limit=` */
export const TrainerList = z
  .object({
    trainers: z.array(TrainerSummary),
    total: z.number().int(),
    nextCursor: z.string().optional(),
    facets: TrainerFacets.describe('Counts in the whole result, whatever the page is; at most 50 values each'),
    corrected: z.string().optional().describe('The query as it was understood, if a word was mistyped'),
  })
  .meta({ id: 'TrainerList' })
export type TrainerList = z.infer<typeof TrainerList>

/** The name of a channel: lower-case letters, digits and hyphens, beginning with a letter. */
export const ChannelName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,29}$/, 'must begin with a letter and hold up to 30 lower-case letters, digits and hyphens')
  .refine((name) => !/^(v\d|x$|sha(256|512)-)/.test(name), 'must not look like a version or a digest')

/** A name that stands for a version, such as `latest` or `next`. */
export const Channel = z
  .object({
    name: z.string(),
    version: z.string(),
    isSet: z.boolean().describe('False if it is computed: "latest" is the highest release, "next" the highest version'),
  })
  .meta({ id: 'Channel' })
export type Channel = z.infer<typeof Channel>

const Note = trimmedLine(500)

/** `POST /v1/trainers/{namespace}/{name}/channels` */
export const SetChannelRequest = z.object({ name: ChannelName, version: SemVer }).meta({ id: 'SetChannelRequest' })
export type SetChannelRequest = z.infer<typeof SetChannelRequest>

/** Why a version should not be used, and what to use in its place. */
export const Deprecation = z.object({
  message: z.string(),
  replacement: z.string().optional().describe('A version of this trainer, or "namespace/name" of another'),
})
export type Deprecation = z.infer<typeof Deprecation>

/** The notice as a sentence: `acme/yolo@1.2.0 is deprecated: loses the last class; use 1.2.1`. The texts are the author's. */
export function describeDeprecation(
  { name, version }: { name: string; version: string },
  { message, replacement }: Deprecation,
): string {
  return `${name}@${version} is deprecated: ${message}${replacement === undefined ? '' : `; use ${replacement}`}`
}

/** `POST /v1/trainers/{namespace}/{name}/versions/{version}/deprecate` */
export const DeprecateVersionRequest = z
  .object({
    message: Note.describe('Why, for those who pull it'),
    replacement: z
      .union([SemVer, TrainerName])
      .optional()
      .describe('A version of this trainer, or "namespace/name" of another'),
  })
  .meta({ id: 'DeprecateVersionRequest' })
export type DeprecateVersionRequest = z.infer<typeof DeprecateVersionRequest>

/** `POST /v1/trainers/{namespace}/{name}/versions/{version}/yank` */
export const YankVersionRequest = z.object({ reason: Note }).meta({ id: 'YankVersionRequest' })
export type YankVersionRequest = z.infer<typeof YankVersionRequest>

/** A version in the list of its trainer. */
export const TrainerVersionSummary = z
  .object({
    version: z.string(),
    state: VersionState,
    digest: Digest,
    sizeBytes: SizeBytes,
    trust: Trust.optional().describe('Absent until it is published. Of two parts, the weaker one'),
    pushedAt: Timestamp,
    publishedAt: Timestamp.optional(),
    deprecation: Deprecation.optional(),
    yankReason: z.string().optional(),
  })
  .meta({ id: 'TrainerVersionSummary' })
export type TrainerVersionSummary = z.infer<typeof TrainerVersionSummary>

/** `GET /v1/trainers/{namespace}/{name}`: unpublished versions only for the owner. */
export const Trainer = TrainerSummary.extend({
  readme: z.string().describe('Markdown of the author; untrusted input'),
  manifest: PublishedManifest.describe('The manifest of the latest version'),
  versions: z.array(TrainerVersionSummary).describe('Newest first'),
  channels: z.array(Channel).default([]),
  mayChange: z.boolean().default(false).describe('Whether the caller may deprecate, yank and set channels'),
}).meta({ id: 'Trainer' })
export type Trainer = z.infer<typeof Trainer>

/** Which of the two parts of a version. */
export const PartKind = z.enum(['bundle', 'image'])
export type PartKind = z.infer<typeof PartKind>

/** The packages in a part of a version. */
export const PackageCount = z.object({ part: PartKind, packages: z.number().int().nonnegative() })
export type PackageCount = z.infer<typeof PackageCount>

/** `GET /v1/trainers/{namespace}/{name}/versions/{version}/sbom`: https://cyclonedx.org/docs/1.6/json/ */
export const Sbom = z
  .looseObject({
    bomFormat: z.literal('CycloneDX'),
    specVersion: z.string(),
    components: z.array(z.looseObject({ name: z.string(), version: z.string().optional() })).optional(),
  })
  .meta({ id: 'Sbom' })
export type Sbom = z.infer<typeof Sbom>

/** A signature or attestation of a version. */
export const VersionSignature = z
  .object({
    verified: z.boolean().describe('Genuine, and by a publisher of the trainer or a signer that the registry names'),
    signer: z.string().optional().describe('The address of a workflow, or an e-mail address; only if it is genuine'),
    issuer: z.string().optional().describe('Who vouched for the signer'),
    reason: z.string().optional().describe('Why it is not verified'),
    predicateType: z.string().optional().describe('The kind of an attestation, such as https://slsa.dev/provenance/v1'),
    digest: Digest.describe('The manifest of the signature'),
    subject: Digest.describe('The manifest that is signed'),
  })
  .meta({ id: 'VersionSignature' })
export type VersionSignature = z.infer<typeof VersionSignature>

/** `GET /v1/trainers/{namespace}/{name}/versions/{version}` */
export const TrainerVersion = TrainerVersionSummary.extend({
  name: z.string(),
  manifest: PublishedManifest.optional().describe('Absent when it could not be parsed'),
  readme: z.string().optional(),
  readmePictures: z
    .array(z.string())
    .optional()
    .describe(
      'Pictures that the README shows: paths of the trainer, and web addresses whose picture was copied. See the endpoint "readme-picture"',
    ),
  checkId: z.string().optional(),
  checks: z.array(CheckResult).describe('The findings of a rejected version are only shown to its owner'),
  signatures: z.array(VersionSignature).default([]),
  sboms: z.array(PackageCount).default([]).describe('The parts whose packages are listed; see the endpoint "sbom"'),
}).meta({ id: 'TrainerVersion' })
export type TrainerVersion = z.infer<typeof TrainerVersion>

/** `GET /v1/trainers/{namespace}/{name}/resolve?range=^1.2`: the newest published version in the range. */
export const ResolvedTrainer = z
  .object({
    name: z.string(),
    version: z.string(),
    digest: Digest.describe('The digest of the OCI manifest'),
    manifest: PublishedManifest,
    deprecation: Deprecation.optional(),
    bundle: z
      .object({
        digest: Digest,
        sizeBytes: SizeBytes,
        url: z.string().describe('Follow redirects when downloading it'),
        trust: Trust.optional(),
      })
      .optional(),
    image: z.object({ reference: z.string(), digest: Digest, trust: Trust.optional() }).optional(),
    trust: Trust.optional().describe('Of two parts, the weaker one'),
  })
  .meta({ id: 'ResolvedTrainer' })
export type ResolvedTrainer = z.infer<typeof ResolvedTrainer>

/** An owner's request that a moderator publishes a rejected version. Visible to the owner and to operators. */
export const Appeal = z
  .object({
    id: z.string(),
    checkId: z.string(),
    trainer: z.string(),
    version: z.string(),
    state: z.enum(['open', 'approved', 'refused']),
    text: z.string().describe('Why the owner asks'),
    answer: z.string().optional().describe('The note of the moderator'),
    createdAt: Timestamp,
    decidedAt: Timestamp.optional(),
  })
  .meta({ id: 'Appeal' })
export type Appeal = z.infer<typeof Appeal>

/** `GET /v1/appeals?state=open`, for operators: oldest first. */
export const AppealList = z.object({ appeals: z.array(Appeal) }).meta({ id: 'AppealList' })
export type AppealList = z.infer<typeof AppealList>

const PlainReason = z
  .string()
  .trim()
  .min(10)
  .max(2000)
  .refine((text) => !text.includes('\0'), 'must not contain NUL')

/** `POST /v1/checks/{id}/appeal` */
export const CreateAppealRequest = z
  .object({ text: PlainReason.describe('Why the version should be published; a moderator reads it') })
  .meta({ id: 'CreateAppealRequest' })
export type CreateAppealRequest = z.infer<typeof CreateAppealRequest>

/** `POST /v1/appeals/{id}/approve` and `/refuse` */
export const DecideAppealRequest = z
  .object({ note: PlainReason.describe('Shown to the owner; for an approval, to everybody') })
  .meta({ id: 'DecideAppealRequest' })
export type DecideAppealRequest = z.infer<typeof DecideAppealRequest>

/** `POST /v1/checks/{id}/suppressions` */
export const SuppressFindingRequest = z
  .object({
    fingerprint: z.string().min(1).max(100).describe('Of a finding of this check'),
    reason: PlainReason.describe('Everybody can read it'),
  })
  .meta({ id: 'SuppressFindingRequest' })
export type SuppressFindingRequest = z.infer<typeof SuppressFindingRequest>

/** One push in the list of the caller's pushes. */
export const Push = z
  .object({
    id: z.string().describe('The id of its check'),
    trainer: z.string(),
    version: z.string(),
    kind: z.enum(['bundle', 'image']),
    digest: Digest,
    state: VersionState,
    reason: z.string().optional().describe('Why it was rejected'),
    running: z.string().optional().describe('The check that is running'),
    retryAt: Timestamp.optional(),
    errors: z.number().int(),
    warnings: z.number().int(),
    pushedByCaller: z.boolean(),
    createdAt: Timestamp,
    finishedAt: Timestamp.optional(),
  })
  .meta({ id: 'Push' })
export type Push = z.infer<typeof Push>

/** `GET /v1/pushes`: to every namespace that the caller belongs to, newest first. */
export const PushList = z.object({ pushes: z.array(Push), nextCursor: z.string().optional() }).meta({ id: 'PushList' })
export type PushList = z.infer<typeof PushList>

const PullCounts = { pulls: z.number().int(), bots: z.number().int() }

/** `GET /v1/trainers/{namespace}/{name}/usage?days=90`: for the owners of a trainer. */
export const TrainerUsage = z
  .object({
    days: z
      .array(z.object({ day: z.iso.date(), ...PullCounts, runs: z.number().int().describe('That ended on the day') }))
      .describe('Oldest first, without gaps, in UTC. Each subject counts once a day'),
    versions: z
      .array(
        z.object({
          version: z.string(),
          ...PullCounts,
          runs: z.number().int().describe('That runners stated, signed with their key'),
          succeeded: z.number().int(),
          failed: z.number().int().describe('Other runs were cancelled'),
          people: z.number().int().describe('Accounts that submitted the runs'),
          medianTrainSeconds: z.number().optional().describe('Of the trainings that succeeded. Absent without one'),
        }),
      )
      .describe('Most pulls first'),
  })
  .meta({ id: 'TrainerUsage' })
export type TrainerUsage = z.infer<typeof TrainerUsage>

/** `GET /v1/checks/{id}`: the acceptance of one pushed manifest. */
export const Check = z
  .object({
    id: z.string(),
    trainer: z.string(),
    version: z.string(),
    digest: Digest,
    kind: z.enum(['bundle', 'image']).optional(),
    state: VersionState,
    trust: Trust.optional().describe('Set when it is published'),
    checks: z.array(CheckResult),
    appeal: Appeal.optional().describe('Only for the owner'),
    mayChange: z.boolean().optional().describe('Whether the caller may retry it, suppress findings and appeal'),
    mayDecide: z.boolean().optional().describe('Whether the caller is a moderator and an appeal waits for a decision'),
    createdAt: Timestamp,
    finishedAt: Timestamp.optional(),
  })
  .meta({ id: 'Check' })
export type Check = z.infer<typeof Check>

/** `GET /v1/checks/{id}/live` (server-sent events): the whole check, after each change. */
export const CheckMessage = z.object({ type: z.literal('check'), check: Check }).meta({ id: 'CheckMessage' })
export type CheckMessage = z.infer<typeof CheckMessage>
