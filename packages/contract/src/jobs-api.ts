import { z } from 'zod'
import { Artifact, ArtifactKind } from './artifacts.ts'
import { SplitRequest } from './datasets-api.ts'
import { JobConfig } from './environment.ts'
import { FieldIssue } from './errors.ts'
import { LogLevel, OperationResult, ValidationEvent } from './events.ts'
import { ProjectName } from './identity-api.ts'
import { EndReason, ErrorType, JobState } from './job-states.ts'
import { Attempt, JobId, MetricGoal, Metrics, MetricValue, Operation, TaskType, Timestamp } from './primitives.ts'
import { readableLine } from './readable-text.ts'
import { Deprecation, ResolvedTrainer, Trust } from './trainers-api.ts'

/** The queue of jobs that are created without one. */
export const DEFAULT_QUEUE = 'default'
/** The name of a queue: lower-case letters, digits, "-" and "_". */
export const QueueName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be lower-case letters, digits, "-" and "_"')
/** The name of a queue: lower-case letters, digits, "-" and "_". */
export type QueueName = z.infer<typeof QueueName>

/** `POST /v1/jobs` */
export const CreateJobRequest = z
  .strictObject({
    trainer: z
      .string()
      .min(3)
      .max(300)
      .describe(
        '"namespace/name@range", for example "trainyard/tfjs-classifier@^1"; without a range the latest version',
      ),
    project: ProjectName.optional().describe('Default: the project of the dataset, or the first project of the caller'),
    operation: Operation.default('train'),
    dataset: z
      .string()
      .min(1)
      .optional()
      .describe('Id of a registered dataset; required to train. `ds_…@3` names a version. Default: the latest'),
    split: SplitRequest.optional().describe('Splits of this job. Default: those of the dataset, or a hash of the path'),
    model: z.string().min(1).max(100).optional().describe('A model of the manifest. Default: the first one'),
    taskType: TaskType.optional().describe('A task of the manifest. Default: the task of the dataset'),
    config: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Flat settings, checked against the manifest’s schema'),
    preset: z.string().optional().describe('A preset of the manifest; `config` has precedence'),
    checkpoint: z.string().optional().describe('Id of the checkpoint artifact to start from, predict with or export'),
    exportFormat: z.string().optional().describe('With operation "export"'),
    name: readableLine(200).optional(),
    queue: QueueName.optional().describe('A queue that the platform is configured with. Default: "default"'),
    priority: z
      .number()
      .int()
      .min(-100)
      .max(100)
      .default(0)
      .describe('Higher priorities run first; projects share equal priorities fairly'),
    maxRetries: z.number().int().min(0).max(20).default(0).describe('Maximum number of counted retries'),
    deadlineSeconds: z.number().int().positive().max(31_536_000).optional().describe('Maximum run time of an attempt'),
    idempotencyKey: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('A repeated request with the same key returns the same job'),
  })
  .meta({ id: 'CreateJobRequest' })
export type CreateJobRequest = z.infer<typeof CreateJobRequest>
/** {@link CreateJobRequest} without its defaults, as a caller writes it. */
export type CreateJobInput = z.input<typeof CreateJobRequest>

/** `POST /v1/jobs/check`: what a request would run, and what is wrong with it. */
export const JobCheck = z
  .object({
    trainer: ResolvedTrainer.pick({ name: true, version: true, digest: true, manifest: true, deprecation: true }),
    issues: z.array(FieldIssue).describe('Everything for which `POST /v1/jobs` would refuse the request'),
  })
  .meta({ id: 'JobCheck' })
export type JobCheck = z.infer<typeof JobCheck>

/** Why a job failed. */
export const JobError = z.object({
  errorType: ErrorType.optional(),
  message: z.string(),
  traceback: z.string().optional(),
})
export type JobError = z.infer<typeof JobError>

/** The copy of a job in an experiment tracker. */
export const JobExperiment = z.object({
  backend: z.string().describe('For example "mlflow"'),
  state: z
    .enum(['waiting', 'open', 'failing', 'finished', 'given_up'])
    .describe('"failing" is retried; "given_up" is not'),
  url: z.string().optional(),
  lastError: z.string().optional(),
})
export type JobExperiment = z.infer<typeof JobExperiment>

/** A job. */
export const Job = z
  .object({
    id: JobId,
    name: z.string().optional(),
    project: ProjectName.optional().describe('Absent in the live stream'),
    state: JobState,
    attempt: Attempt,
    endReason: EndReason.optional(),
    error: JobError.optional(),
    operation: Operation,
    taskType: TaskType,
    trainer: z.object({
      name: z.string(),
      version: z.string(),
      displayName: z.string(),
      digest: z.string(),
      framework: z.string(),
      deprecation: Deprecation.optional().describe(
        'Set if the version was deprecated when the job was created. Only in the response for a single job',
      ),
      trust: Trust.optional().describe('How far its registry had checked it when the job was created'),
    }),
    model: z.string(),
    dataset: z
      .object({
        id: z.string(),
        version: z.number().int().positive().optional().describe('The version that the job uses'),
        name: z.string(),
        snapshotId: z.string(),
        versionHash: z.string(),
      })
      .optional(),
    config: JobConfig,
    primaryMetric: z.object({ name: z.string(), goal: MetricGoal }),
    progress: z.object({
      fraction: z.number().min(0).max(1).describe('The finished share of the work'),
      epoch: z.number().int().optional(),
      totalEpochs: z.number().int().optional(),
      step: z.number().int().optional(),
      totalSteps: z.number().int().optional(),
      phase: z.string().optional(),
    }),
    latestMetrics: Metrics.describe('The last values of the primary metric and of the first 99 others'),
    result: OperationResult.optional(),
    isolationWarning: z
      .string()
      .optional()
      .describe('Set if the trainer was not fully isolated: why, and what it could do'),
    cancelRequested: z.boolean(),
    queue: QueueName,
    priority: z.number().int(),
    maxRetries: z.number().int(),
    traceId: z.string(),
    createdBy: z
      .object({ id: z.string(), name: z.string().optional() })
      .optional()
      .describe('Who created it, by the name at that time. Absent for jobs from before this was recorded'),
    createdAt: Timestamp,
    queuedAt: Timestamp.optional(),
    startedAt: Timestamp.optional(),
    finishedAt: Timestamp.optional(),
    lastHeardAt: Timestamp.optional(),
    experiments: z.array(JobExperiment).optional().describe('Only in the response for a single job'),
    split: SplitRequest.optional().describe(
      'The requested split, unless it lists images. Only in the response for a single job',
    ),
    checkpoint: z
      .string()
      .optional()
      .describe('The checkpoint that the request named. Only in the response for a single job'),
    exportFormat: z.string().optional().describe('Only in the response for a single job'),
    deadlineSeconds: z.number().int().optional().describe('Only in the response for a single job'),
  })
  .meta({ id: 'Job' })
export type Job = z.infer<typeof Job>

/**
 * A job in a list: without its settings and its result, with the primary metric only and the beginning of the error message, so
 * that no job makes the list of all jobs large.
 */
export const JobSummary = Job.omit({
  config: true,
  result: true,
  experiments: true,
  split: true,
  checkpoint: true,
  exportFormat: true,
  deadlineSeconds: true,
})
  .extend({
    latestMetrics: Metrics.describe(
      'The last value of the primary metric. With `details=true`, also those of the first 99 others',
    ),
    settings: z
      .record(z.string(), z.union([z.number(), z.boolean(), z.string()]))
      .optional()
      .describe(
        'With `details=true`: settings that are numbers, switches or texts of at most 100 bytes, at most 40 of them',
      ),
    error: JobError.omit({ traceback: true })
      .extend({ message: z.string().describe('The first 300 characters') })
      .optional(),
  })
  .meta({ id: 'JobSummary' })
export type JobSummary = z.infer<typeof JobSummary>

/** Values of a field of jobs with their number, the most frequent first. */
const JobFacet = z.array(z.object({ value: z.string(), count: z.number().int().nonnegative() }))

/** `GET /v1/jobs?q=&state=&operation=&trainer=&dataset=&sort=&facets=&details=&cursor=&limit=` */
export const JobList = z
  .object({
    jobs: z.array(JobSummary),
    nextCursor: z.string().optional(),
    facets: z
      .object({ state: JobFacet, operation: JobFacet, trainer: JobFacet, dataset: JobFacet })
      .optional()
      .describe(
        'With `facets=true`: counts over the whole result. Each ignores the filter of its own field. At most 50 values of each',
      ),
  })
  .meta({ id: 'JobList' })
export type JobList = z.infer<typeof JobList>

/** The axis of a series. */
export const MetricAxis = z.enum(['epoch', 'step'])
export type MetricAxis = z.infer<typeof MetricAxis>

/** A point of a series. `step` is the epoch if the axis is `epoch`. */
export const MetricPoint = z.object({ step: z.number().int(), value: MetricValue, time: Timestamp })
export type MetricPoint = z.infer<typeof MetricPoint>

/** `GET /v1/jobs/{id}/metrics?name=&only=&attempt=&points=&cursor=&limit=`: one page of series by name. */
export const MetricSeriesList = z
  .object({
    attempt: Attempt,
    series: z.array(
      z.object({ name: z.string(), axis: MetricAxis, count: z.number().int(), points: z.array(MetricPoint) }),
    ),
    nextCursor: z.string().optional().describe('Absent on the last page'),
  })
  .meta({ id: 'MetricSeriesList' })
export type MetricSeriesList = z.infer<typeof MetricSeriesList>

/** A log line of the trainer, or of the platform about it. */
export const LogLine = z.object({
  id: z.number().int(),
  attempt: Attempt,
  time: Timestamp,
  level: LogLevel,
  source: z.enum(['journal', 'stdout', 'stderr', 'platform']),
  message: z.string(),
})
export type LogLine = z.infer<typeof LogLine>

/**
 * `GET /v1/jobs/{id}/logs?attempt=&level=&search=&since=&until=&line=&from=&after=&before=&count=&limit=`: one page, its
 * lines always oldest first. A page exists in both directions: read on with `after=nextCursor`, and back with
 * `before=previousCursor`.
 */
export const LogPage = z
  .object({
    lines: z.array(LogLine),
    nextCursor: z.string().optional().describe('For `after`. Absent when no later line matches'),
    previousCursor: z.string().optional().describe('For `before`. Absent when no earlier line matches'),
    dropped: z.number().int().describe('How many lines were not stored, because the job exceeded its quota'),
    earlier: z.number().int().optional().describe('With `count`: how many lines match before this page'),
    later: z.number().int().optional().describe('With `count`: how many lines match after this page'),
  })
  .meta({ id: 'LogPage' })
export type LogPage = z.infer<typeof LogPage>

/** One run of a job's trainer. A retry and a restart each open the next attempt. */
export const JobAttempt = z
  .object({
    attempt: Attempt,
    createdAt: Timestamp,
    launchedAt: Timestamp.optional().describe('When the process or container was requested'),
    startedAt: Timestamp.optional().describe('When the trainer sent its first report'),
    lastHeardAt: Timestamp.optional(),
    finishedAt: Timestamp.optional(),
    endReason: EndReason.optional().describe('Absent while the attempt is open'),
    error: JobError.omit({ traceback: true })
      .extend({ message: z.string().describe('The first 2,000 characters') })
      .optional(),
    exitCode: z.number().int().optional(),
    logLines: z.number().int().describe('Number of stored log lines'),
  })
  .meta({ id: 'JobAttempt' })
export type JobAttempt = z.infer<typeof JobAttempt>

/** `GET /v1/jobs/{id}/attempts?cursor=&limit=`: newest first. */
export const JobAttemptList = z
  .object({ attempts: z.array(JobAttempt), nextCursor: z.string().optional().describe('Absent on the last page') })
  .meta({ id: 'JobAttemptList' })
export type JobAttemptList = z.infer<typeof JobAttemptList>

/** The report of a validation. */
export const JobValidation = ValidationEvent.omit({ type: true })
  .extend({ attempt: Attempt })
  .meta({ id: 'JobValidation' })
export type JobValidation = z.infer<typeof JobValidation>

/** `GET /v1/jobs/{id}/validations?attempt=&cursor=&limit=`: newest first. */
export const JobValidationList = z
  .object({
    validations: z.array(JobValidation),
    nextCursor: z.string().optional().describe('Absent on the last page'),
  })
  .meta({ id: 'JobValidationList' })
export type JobValidationList = z.infer<typeof JobValidationList>

/** A stored event. `rejected` is the reason why it is invalid. */
export const StoredEvent = z.object({
  attempt: Attempt,
  seq: z.number().int(),
  type: z.string(),
  time: Timestamp.optional(),
  receivedAt: Timestamp,
  body: z.record(z.string(), z.unknown()),
  rejected: z.object({ path: z.string(), detail: z.string() }).optional(),
})
export type StoredEvent = z.infer<typeof StoredEvent>

/** `GET /v1/jobs/{id}/events?after=&limit=`: events as they were stored, oldest first. */
export const StoredEventPage = z
  .object({ events: z.array(StoredEvent), nextCursor: z.string().optional() })
  .meta({ id: 'StoredEventPage' })
export type StoredEventPage = z.infer<typeof StoredEventPage>

/** `GET /v1/jobs/{id}/artifacts?cursor=&limit=`: oldest first. */
export const ArtifactList = z
  .object({
    artifacts: z.array(Artifact.extend({ url: z.string().describe('A signed URL, valid for one hour') })),
    nextCursor: z.string().optional().describe('Absent on the last page'),
  })
  .meta({ id: 'ArtifactList' })
export type ArtifactList = z.infer<typeof ArtifactList>

/** `GET /v1/retention`: the artifacts that the retention rules will delete next. */
export const RetentionPlan = z
  .object({
    artifacts: z.array(
      z.object({
        artifactId: z.string(),
        jobId: JobId,
        kind: ArtifactKind,
        name: z.string(),
        sizeBytes: z.number().int(),
        createdAt: Timestamp,
        reason: z.string(),
      }),
    ),
    totalBytes: z.number().int(),
  })
  .meta({ id: 'RetentionPlan' })
export type RetentionPlan = z.infer<typeof RetentionPlan>

/** `POST /v1/jobs/{id}/restart`. The body is optional; the response is the job. */
export const RestartJobRequest = z
  .strictObject({
    fresh: z.boolean().default(false).describe('Start from the beginning instead of resuming from the last checkpoint'),
  })
  .meta({ id: 'RestartJobRequest' })
export type RestartJobRequest = z.infer<typeof RestartJobRequest>
/** {@link RestartJobRequest} without its defaults, as a caller writes it. */
export type RestartJobInput = z.input<typeof RestartJobRequest>

/**
 * A message of `GET /v1/jobs/{id}/live` (server-sent events; `Last-Event-ID` resumes the stream). The first one is a
 * `snapshot`, the others are changes. The stream ends after a `job` message with a terminal state.
 */
export const LiveMessage = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('snapshot'),
      job: Job,
      series: MetricSeriesList.shape.series,
      logs: z.array(LogLine).describe('The newest lines'),
      previousLogId: z
        .number()
        .int()
        .optional()
        .describe('Id of the line before the first one in `logs`. A reader that has not seen it missed lines'),
      droppedLogs: z.number().int().optional().describe('How many lines exceeded the quota. Absent: not known'),
    }),
    z.object({ type: z.literal('job'), job: Job }),
    z.object({
      type: z.literal('metrics'),
      points: z.array(MetricPoint.extend({ name: z.string(), axis: MetricAxis })),
    }),
    z.object({
      type: z.literal('logs'),
      lines: z.array(LogLine),
      droppedLogs: z.number().int().optional().describe('Present when more lines have exceeded the quota'),
    }),
    z.object({ type: z.literal('artifact'), artifact: Artifact }),
  ])
  .meta({ id: 'LiveMessage' })
export type LiveMessage = z.infer<typeof LiveMessage>
