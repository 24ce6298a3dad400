import { z } from 'zod'
import {
  LenientAmount,
  LenientConfusionMatrix,
  LenientCount,
  LenientDetails,
  LenientErrorType,
  LenientFlag,
  LenientLevel,
  LenientMetric,
  LenientMetrics,
  LenientName,
  LenientPerClass,
  LenientPercent,
  LenientPrediction,
  LenientPrimary,
  LenientSplit,
  LenientText,
} from './lenient.ts'

/**
 * The simple endpoints, for trainers that use tools like curl (docs/guides/simple-endpoints.md). They accept numbers as text
 * ("3", "0.25", "nan"), words in any case, null for absent fields, and unknown fields. A field that is not valid is left out.
 */
const Id = z
  .preprocess((value) => value ?? undefined, z.string().min(1).max(64).optional())
  .describe('Id of an artifact of this job')

/** The accepted words for each way to end. */
const ENDS = {
  completed: ['completed', 'complete', 'succeeded', 'success', 'done', 'finished', 'ok'],
  failed: ['failed', 'failure', 'error'],
  cancelled: ['cancelled', 'canceled', 'stopped', 'aborted'],
} as const
const SimpleStatus = z.preprocess(
  (value) => {
    const word = typeof value === 'string' ? value.trim().toLowerCase() : value
    const found = Object.entries(ENDS).find(([, words]) => (words as readonly unknown[]).includes(word))
    return found?.[0] ?? value
  },
  z.enum(['completed', 'failed', 'cancelled'], { error: 'must be "completed", "failed" or "cancelled"' }),
)

/** Fields of every request that ends a job. */
const end = {
  error: LenientText.describe('The error message. "[DatasetError] …" in front sets `error_type`'),
  error_message: LenientText.describe('Same as `error`'),
  error_type: LenientErrorType,
  traceback: LenientText,
  retryable: LenientFlag,
}
/** The primary metric as two fields. */
const primary = {
  primary_metric_name: LenientName.describe('Name of the primary metric'),
  primary_metric_value: z
    .preprocess((value) => value ?? undefined, LenientMetric.optional())
    .describe('Value of the primary metric, if `metrics` does not have it'),
}
const metrics = LenientMetrics.describe('An object `extra_metrics` in it is flattened')

/** `POST /v1/jobs/{id}/heartbeat`: progress and metrics. */
export const SimpleHeartbeatRequest = z.looseObject({
  epoch: LenientCount,
  current_epoch: LenientCount.describe('Same as `epoch`'),
  total_epochs: LenientCount,
  step: LenientCount,
  total_steps: LenientCount,
  progress: LenientPercent.describe('Percentage, from 0 to 100'),
  progress_percent: LenientPercent.describe('Same as `progress`'),
  metrics,
  ...primary,
  trace_id: LenientText,
})
/** `POST /v1/jobs/{id}/heartbeat`: progress and metrics. */
export type SimpleHeartbeatRequest = z.infer<typeof SimpleHeartbeatRequest>

/** The response to every simple endpoint: whether to continue. */
export const SimpleHeartbeatResponse = z.object({
  status: z.string(),
  should_continue: z.boolean(),
  warnings: z
    .array(z.object({ path: z.string(), detail: z.string() }))
    .optional()
    .describe('Fields that were left out because they are not valid; the rest was stored'),
})
/** The response to every simple endpoint: whether to continue. */
export type SimpleHeartbeatResponse = z.infer<typeof SimpleHeartbeatResponse>

/** `POST /v1/jobs/{id}/event`: a log line or an event. */
export const SimpleEventRequest = z.looseObject({
  level: LenientLevel.describe('debug, info, warning or error, in any case, or a number of Python. Default: info'),
  event_type: LenientName,
  message: LenientText,
  data: LenientDetails,
})
/** `POST /v1/jobs/{id}/event`: a log line or an event. */
export type SimpleEventRequest = z.infer<typeof SimpleEventRequest>

/** `POST /v1/jobs/{id}/done`: the end of the job. */
export const SimpleDoneRequest = z.looseObject({
  status: SimpleStatus,
  ...end,
  final_metrics: metrics,
  metrics: LenientMetrics.describe('Same as `final_metrics`'),
  ...primary,
  best_epoch: LenientCount,
  artifacts: z.preprocess((value) => value ?? undefined, z.array(z.unknown()).optional()),
  training_time_seconds: LenientAmount,
})
/** `POST /v1/jobs/{id}/done`: the end of the job. */
export type SimpleDoneRequest = z.infer<typeof SimpleDoneRequest>

/** `POST …/callback/checkpoint`: a checkpoint that was uploaded. */
export const SimpleCheckpointRequest = z.looseObject({
  artifact_id: Id.describe('Id of the uploaded artifact. Default: the checkpoint that was uploaded last'),
  name: LenientName.describe('"best", "last", or any other name. Default: the name of the file without its extension'),
  epoch: LenientCount,
  current_epoch: LenientCount.describe('Same as `epoch`'),
  metrics,
  ...primary,
})
export type SimpleCheckpointRequest = z.infer<typeof SimpleCheckpointRequest>

/** `POST /api/v1/validation/jobs/{id}/results` */
export const SimpleValidationRequest = z.looseObject({
  epoch: LenientCount,
  current_epoch: LenientCount.describe('Same as `epoch`'),
  split: LenientSplit,
  primary_metric: LenientPrimary,
  primary: LenientPrimary.describe('Same as `primary_metric`'),
  ...primary,
  metrics,
  overall_metrics: LenientMetrics.describe('Same as `metrics`'),
  per_class_metrics: LenientPerClass,
  confusion_matrix: LenientConfusionMatrix,
})
export type SimpleValidationRequest = z.infer<typeof SimpleValidationRequest>

/** `POST …/callback/started` */
export const SimpleStartedRequest = z.looseObject({ runtime: LenientName, pid: LenientCount })
export type SimpleStartedRequest = z.infer<typeof SimpleStartedRequest>

/** `POST /api/v1/test_inference/inference/jobs/{id}/callback/completion` */
export const SimpleInferenceCompletionRequest = z.looseObject({
  status: SimpleStatus,
  ...end,
  total_images: LenientCount,
  total_inference_time_ms: LenientAmount,
  avg_inference_time_ms: LenientAmount,
  artifact_id: Id,
  results: z
    .preprocess(
      (value) => value ?? undefined,
      z
        .array(
          z.looseObject({
            image_name: z.string().max(1024),
            predictions: z.array(LenientPrediction).default([]),
            inference_time_ms: LenientAmount,
          }),
        )
        .max(900)
        .optional(),
    )
    .describe('At most 900 images; upload an artifact for more'),
})
export type SimpleInferenceCompletionRequest = z.infer<typeof SimpleInferenceCompletionRequest>

/** `POST /api/v1/export/jobs/{id}/callback/completion` */
export const SimpleExportCompletionRequest = z.looseObject({
  status: SimpleStatus,
  ...end,
  format: z
    .preprocess((value) => value ?? undefined, z.string().max(50).optional())
    .describe('Default: the format of the job'),
  artifact_id: Id.describe('Default: the export that was uploaded last'),
  metadata: LenientDetails,
})
export type SimpleExportCompletionRequest = z.infer<typeof SimpleExportCompletionRequest>
