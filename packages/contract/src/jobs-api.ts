import { z } from 'zod'
import { Artifact, ArtifactKind } from './artifacts.ts'
import { SplitRequest } from './datasets-api.ts'
import { JobConfig } from './environment.ts'
import { LogLevel, OperationResult } from './events.ts'
import { ProjectName } from './identity-api.ts'
import { EndReason, ErrorType, JobState } from './job-states.ts'
import { Attempt, JobId, MetricGoal, Metrics, MetricValue, Operation, TaskType, Timestamp } from './primitives.ts'

/** The queue of jobs that name none. */
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
    project: ProjectName.optional().describe('Where it goes; that of the dataset, or your first one, when absent'),
    operation: Operation.default('train'),
    dataset: z.string().min(1).optional().describe('Id of a registered dataset; needed to train'),
    split: SplitRequest.optional().describe(
      'Splits of this job alone; without it those of the dataset, or the hash of the path',
    ),
    model: z.string().min(1).max(100).optional().describe('One of the manifest’s models; the first one when absent'),
    taskType: TaskType.optional().describe('One of the manifest’s tasks; the dataset’s when absent'),
    config: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Flat settings, checked against the manifest’s schema'),
    preset: z.string().optional().describe('One of the manifest’s presets; `config` wins over it'),
    checkpoint: z.string().optional().describe('Id of the checkpoint artifact to start from, predict with or export'),
    exportFormat: z.string().optional().describe('With operation "export"'),
    name: z.string().min(1).max(200).optional(),
    queue: QueueName.optional().describe('One of the queues that the platform is set up with; "default" when absent'),
    priority: z
      .number()
      .int()
      .min(-100)
      .max(100)
      .default(0)
      .describe('Higher goes first; among equals everybody gets a fair share'),
    maxRetries: z.number().int().min(0).max(20).default(0).describe('Counted retries'),
    deadlineSeconds: z.number().int().positive().max(31_536_000).optional().describe('Longest time an attempt may run'),
    idempotencyKey: z.string().min(1).max(200).optional().describe('The same key gives the same job again'),
  })
  .meta({ id: 'CreateJobRequest' })
export type CreateJobRequest = z.infer<typeof CreateJobRequest>
/** {@link CreateJobRequest} before its defaults are filled in: what a caller writes. */
export type CreateJobInput = z.input<typeof CreateJobRequest>

/** Why a job failed, in words for people. */
export const JobError = z.object({
  errorType: ErrorType.optional(),
  message: z.string(),
  traceback: z.string().optional(),
})
export type JobError = z.infer<typeof JobError>

/** What another system was told of a job, and where it shows it. */
export const JobExperiment = z.object({
  backend: z.string().describe('For example "mlflow"'),
  state: z
    .enum(['waiting', 'open', 'failing', 'finished', 'given_up'])
    .describe('"failing" is tried again; "given_up" is not'),
  url: z.string().optional(),
  lastError: z.string().optional(),
})
export type JobExperiment = z.infer<typeof JobExperiment>

/** A job as people see it. */
export const Job = z
  .object({
    id: JobId,
    name: z.string().optional(),
    project: ProjectName.optional().describe('Not in the live stream, where it cannot change'),
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
    }),
    model: z.string(),
    dataset: z.object({ id: z.string(), name: z.string(), snapshotId: z.string(), versionHash: z.string() }).optional(),
    config: JobConfig,
    primaryMetric: z.object({ name: z.string(), goal: MetricGoal }),
    progress: z.object({
      fraction: z.number().min(0).max(1).describe('Share of the work that is done'),
      epoch: z.number().int().optional(),
      totalEpochs: z.number().int().optional(),
      step: z.number().int().optional(),
      totalSteps: z.number().int().optional(),
      phase: z.string().optional(),
    }),
    latestMetrics: Metrics.describe('The last value of every metric'),
    result: OperationResult.optional(),
    cancelRequested: z.boolean(),
    queue: QueueName,
    priority: z.number().int(),
    maxRetries: z.number().int(),
    traceId: z.string(),
    createdAt: Timestamp,
    queuedAt: Timestamp.optional(),
    startedAt: Timestamp.optional(),
    finishedAt: Timestamp.optional(),
    lastHeardAt: Timestamp.optional(),
    experiments: z.array(JobExperiment).optional().describe('Only where a single job is asked for'),
  })
  .meta({ id: 'Job' })
export type Job = z.infer<typeof Job>

/** `GET /v1/jobs?state=&trainer=&cursor=&limit=`: newest first. */
export const JobList = z.object({ jobs: z.array(Job), nextCursor: z.string().optional() }).meta({ id: 'JobList' })
export type JobList = z.infer<typeof JobList>

/** What the points of a series count. */
export const MetricAxis = z.enum(['epoch', 'step'])
export type MetricAxis = z.infer<typeof MetricAxis>

/** One point of a series. `step` is the epoch where the axis is `epoch`. */
export const MetricPoint = z.object({ step: z.number().int(), value: MetricValue, time: Timestamp })
export type MetricPoint = z.infer<typeof MetricPoint>

/** `GET /v1/jobs/{id}/metrics?name=&attempt=&points=` */
export const MetricSeriesList = z
  .object({
    attempt: Attempt,
    series: z.array(
      z.object({ name: z.string(), axis: MetricAxis, count: z.number().int(), points: z.array(MetricPoint) }),
    ),
  })
  .meta({ id: 'MetricSeriesList' })
export type MetricSeriesList = z.infer<typeof MetricSeriesList>

/** A line that the trainer, or the platform about it, said. */
export const LogLine = z.object({
  id: z.number().int(),
  attempt: Attempt,
  time: Timestamp,
  level: LogLevel,
  source: z.enum(['journal', 'stdout', 'stderr', 'platform']),
  message: z.string(),
})
export type LogLine = z.infer<typeof LogLine>

/** `GET /v1/jobs/{id}/logs?level=&search=&after=&limit=`: oldest first; `level` is the lowest shown. */
export const LogPage = z
  .object({ lines: z.array(LogLine), nextCursor: z.string().optional(), dropped: z.number().int() })
  .meta({ id: 'LogPage' })
export type LogPage = z.infer<typeof LogPage>

/** An event as it is kept, for `GET /v1/jobs/{id}/events`. `rejected` says why it could not be understood. */
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

/** `GET /v1/jobs/{id}/artifacts` */
export const ArtifactList = z
  .object({ artifacts: z.array(Artifact.extend({ url: z.string().describe('Signed, for one hour') })) })
  .meta({ id: 'ArtifactList' })
export type ArtifactList = z.infer<typeof ArtifactList>

/** `GET /v1/retention`: artifacts that the rules give up at the next round. */
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

/** `POST /v1/jobs/{id}/restart`; the answer is the job, as that of `/cancel`. The body may be left out. */
export const RestartJobRequest = z
  .strictObject({
    fresh: z
      .boolean()
      .default(false)
      .describe('Begin anew, instead of resuming from the last checkpoint of the earlier attempts'),
  })
  .meta({ id: 'RestartJobRequest' })
export type RestartJobRequest = z.infer<typeof RestartJobRequest>
/** RestartJobRequest before its defaults are filled in: what a caller writes. */
export type RestartJobInput = z.input<typeof RestartJobRequest>

/**
 * One message of `GET /v1/jobs/{id}/live` (server-sent events; the SSE `id` resumes with `Last-Event-ID`): first a
 * `snapshot`, then what changes. The stream ends after a `job` message whose state is terminal.
 */
export const LiveMessage = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('snapshot'), job: Job, series: MetricSeriesList.shape.series, logs: z.array(LogLine) }),
    z.object({ type: z.literal('job'), job: Job }),
    z.object({
      type: z.literal('metrics'),
      points: z.array(MetricPoint.extend({ name: z.string(), axis: MetricAxis })),
    }),
    z.object({ type: z.literal('logs'), lines: z.array(LogLine) }),
    z.object({ type: z.literal('artifact'), artifact: Artifact }),
  ])
  .meta({ id: 'LiveMessage' })
export type LiveMessage = z.infer<typeof LiveMessage>
