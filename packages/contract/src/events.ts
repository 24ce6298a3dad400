import { z } from 'zod'
import { ErrorType, StopReason } from './job-states.ts'
import { Attempt, MetricGoal, Metrics, MetricValue, Timestamp } from './primitives.ts'

/** Limits of one `POST …/events`. A larger request is refused with 413. */
export const EVENT_LIMITS = {
  maxEvents: 1000,
  maxBodyBytes: 1024 * 1024,
  maxInflatedBytes: 8 * 1024 * 1024,
} as const

/** Maximum number of objects in one image. */
export const MAX_PREDICTIONS = 10_000

/** Maximum length of a log message, in characters. */
export const MAX_LOG_MESSAGE_LENGTH = 16_384

const base = {
  seq: z
    .number()
    .int()
    .positive()
    .max(Number.MAX_SAFE_INTEGER)
    .describe('Sequence number: 1, 2, 3 … within the attempt'),
  time: Timestamp.describe('Time of the event, by the trainer’s clock'),
}
const epoch = z.number().int().nonnegative()
const artifactId = z.string().min(1).max(64)

/** The severity of a log line. */
export const LogLevel = z.enum(['debug', 'info', 'warning', 'error'])
export type LogLevel = z.infer<typeof LogLevel>

/** The job starts. Sent once for each attempt. */
export const StartedEvent = z.object({
  ...base,
  type: z.literal('started'),
  sdk: z.string().max(100).optional().describe('Name and version of the sender, for example "@trainyard/sdk 1.0.0"'),
  runtime: z.string().max(100).optional().describe('For example "node 24.1.0"'),
  pid: z.number().int().optional(),
})

/** The progress of the job, with metrics of a step or of a finished epoch. */
export const ProgressEvent = z.object({
  ...base,
  type: z.literal('progress'),
  epoch: epoch.optional().describe('The number of finished epochs'),
  totalEpochs: epoch.optional(),
  step: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('The number of finished steps since the start of the attempt'),
  totalSteps: z.number().int().nonnegative().optional(),
  phase: z.string().max(50).optional().describe('What the job is doing, for example "fetch" or "train"'),
  metrics: Metrics.optional(),
})

/** The result of a validation. */
export const ValidationEvent = z.object({
  ...base,
  type: z.literal('validation'),
  epoch: epoch.optional(),
  split: z.enum(['train', 'val', 'test']).optional(),
  primary: z.object({ name: z.string().min(1).max(250), value: MetricValue, goal: MetricGoal }),
  metrics: Metrics.default({}),
  perClass: z.record(z.string(), Metrics).optional().describe('Metrics by class name'),
  confusionMatrix: z
    .object({ classes: z.array(z.string()).max(1000), counts: z.array(z.array(z.number().int().nonnegative())) })
    .optional()
    .describe('counts[actual][predicted]'),
  plots: z.array(artifactId).optional(),
})

/** A checkpoint was uploaded. */
export const CheckpointEvent = z.object({
  ...base,
  type: z.literal('checkpoint'),
  artifactId,
  name: z.string().min(1).max(250).describe('"best", "last", or any other name'),
  epoch: epoch.optional(),
  metrics: Metrics.optional(),
})

/** A file other than a checkpoint was uploaded. */
export const ArtifactEvent = z.object({
  ...base,
  type: z.literal('artifact'),
  artifactId,
  kind: z.string().max(50),
  name: z.string().min(1).max(1024),
})

/** A line of the log. */
export const LogEvent = z.object({
  ...base,
  type: z.literal('log'),
  level: LogLevel,
  message: z.string().max(MAX_LOG_MESSAGE_LENGTH),
  eventType: z.string().max(100).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
})

/** One object found in an image. Coordinates are absolute pixels. */
export const PredictedObject = z.object({
  classId: z.number().int().nonnegative(),
  className: z.string(),
  confidence: z.number().min(0).max(1),
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional().describe('x1, y1, x2, y2'),
  polygon: z.array(z.number()).optional(),
  keypoints: z.array(z.number()).optional(),
  obb: z.array(z.number()).length(8).optional(),
})
export type PredictedObject = z.infer<typeof PredictedObject>

/** The objects that were found in one image. */
export const PredictionEvent = z.object({
  ...base,
  type: z.literal('prediction'),
  imageName: z.string().max(1024),
  predictions: z.array(PredictedObject).max(MAX_PREDICTIONS),
  inferenceTimeMs: z.number().nonnegative().optional(),
  error: z.string().max(2000).optional().describe('Why this image could not be predicted; the job goes on'),
})

/** An exported model was uploaded. */
export const ExportEvent = z.object({
  ...base,
  type: z.literal('export'),
  format: z.string().max(50),
  artifactId: artifactId.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
})

/** The result of a training. */
export const TrainResult = z.object({
  operation: z.literal('train'),
  metrics: Metrics.default({}),
  bestEpoch: epoch.optional(),
  checkpointIds: z.array(artifactId).default([]),
})
/** The result of a prediction. */
export const PredictResult = z.object({
  operation: z.literal('predict'),
  imageCount: z.number().int().nonnegative(),
  totalInferenceTimeMs: z.number().nonnegative().optional(),
  avgInferenceTimeMs: z.number().nonnegative().optional(),
  artifactId: artifactId.optional(),
})
/** The result of an export. */
export const ExportResult = z.object({
  operation: z.literal('export'),
  format: z.string().max(50),
  artifactId,
  metadata: z.record(z.string(), z.unknown()).optional(),
})
/** The result of a job, by operation. */
export const OperationResult = z.discriminatedUnion('operation', [TrainResult, PredictResult, ExportResult])
export type OperationResult = z.infer<typeof OperationResult>

/** The job completed. Terminal. */
export const CompletedEvent = z.object({ ...base, type: z.literal('completed'), result: OperationResult })

/** The job failed. Terminal. */
export const FailedEvent = z.object({
  ...base,
  type: z.literal('failed'),
  errorType: ErrorType,
  message: z.string().max(MAX_LOG_MESSAGE_LENGTH),
  traceback: z.string().max(65_536).optional(),
  retryable: z.boolean(),
})

/** The job stopped because it was asked to. Terminal. */
export const CancelledEvent = z.object({
  ...base,
  type: z.literal('cancelled'),
  message: z.string().max(1000).optional(),
})

/** Any event of a trainer. */
export const TrainerEvent = z
  .discriminatedUnion('type', [
    StartedEvent,
    ProgressEvent,
    ValidationEvent,
    CheckpointEvent,
    ArtifactEvent,
    LogEvent,
    PredictionEvent,
    ExportEvent,
    CompletedEvent,
    FailedEvent,
    CancelledEvent,
  ])
  .meta({ id: 'TrainerEvent' })
export type TrainerEvent = z.infer<typeof TrainerEvent>
/** The types of events. */
export type TrainerEventType = TrainerEvent['type']

/** The events that end an attempt. */
export const TERMINAL_EVENT_TYPES = ['completed', 'failed', 'cancelled'] as const satisfies readonly TrainerEventType[]

/** Whether an event of this type ends the attempt. */
export function isTerminalEventType(type: string): type is (typeof TERMINAL_EVENT_TYPES)[number] {
  return (TERMINAL_EVENT_TYPES as readonly string[]).includes(type)
}

/**
 * The envelope of `POST {CALLBACK_URL}/events`. It validates only the sequence numbers. Each event is parsed separately with
 * {@link TrainerEvent}, so that one invalid event does not block the journal.
 */
export const EventsRequest = z
  .object({
    attempt: Attempt,
    events: z.array(z.looseObject({ seq: base.seq })).max(EVENT_LIMITS.maxEvents),
  })
  .meta({ id: 'EventsRequest' })
export type EventsRequest = z.infer<typeof EventsRequest>

/** An invalid event. It was acknowledged, and is stored with the reason. */
export const RejectedEvent = z.object({
  seq: z.number().int(),
  code: z.literal('invalid_event'),
  path: z.string(),
  detail: z.string(),
})
export type RejectedEvent = z.infer<typeof RejectedEvent>

/** The response to `POST {CALLBACK_URL}/events`. */
export const EventsResponse = z
  .object({
    acknowledged: z
      .number()
      .int()
      .nonnegative()
      .describe('The last stored sequence number; the sender can discard all events up to it'),
    shouldContinue: z.boolean(),
    reason: StopReason.optional().describe('With shouldContinue: false'),
    heartbeatSeconds: z.number().positive().describe('Maximum time between two requests'),
    rejected: z.array(RejectedEvent).default([]),
    token: z
      .object({ value: z.string(), expiresAt: Timestamp })
      .optional()
      .describe('The successor of the current token'),
  })
  .meta({ id: 'EventsResponse' })
export type EventsResponse = z.infer<typeof EventsResponse>
