import { z } from 'zod'
import { ErrorType } from './job-states.ts'
import { Metrics, type MetricValue } from './primitives.ts'

/**
 * The simple endpoints, for trainers that use tools like curl (docs/guides/simple-endpoints.md). They accept numbers as text
 * ("3", "0.25", "nan"), words in any case, null for absent fields, and unknown fields.
 */
const lenient = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema.optional())
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const fromText = (value: unknown) =>
  typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value.trim()) : value
const Count = lenient(z.preprocess(fromText, z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)))
const Amount = lenient(z.preprocess(fromText, z.number().nonnegative()))
const Percent = lenient(z.preprocess(fromText, z.number().min(0).max(100))).describe('Percentage, from 0 to 100')
const Text = lenient(
  z.preprocess((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)), z.string()),
)
const Name = lenient(z.string().max(250))
const Id = lenient(z.string().min(1).max(64)).describe('Id of an artifact of this job')
const Details = lenient(z.record(z.string(), z.unknown()))

/** Metrics with values as numbers or text, including the spellings of NaN and infinity in common languages. Nulls are ignored. */
const LenientMetrics = lenient(
  z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const known = Object.entries(value).filter(([, metric]) => metric !== null)
    return Object.fromEntries(known.map(([name, metric]) => [name, fromMetricText(metric)]))
  }, Metrics),
)

function fromMetricText(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const [, minus, word] = /^\s*([+-]?)(nan|inf|infinity)\s*$/i.exec(value) ?? []
  if (word === undefined) return fromText(value)
  if (word.toLowerCase() === 'nan') return 'NaN' satisfies MetricValue
  return (minus === '-' ? '-Infinity' : 'Infinity') satisfies MetricValue
}

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
  error: Text.describe('The error message'),
  error_message: Text.describe('Same as `error`'),
  error_type: lenient(ErrorType),
  traceback: Text,
  retryable: lenient(z.boolean()),
}

/** `POST /v1/jobs/{id}/heartbeat`: progress and metrics. */
export const SimpleHeartbeatRequest = z.looseObject({
  epoch: Count,
  current_epoch: Count.describe('Same as `epoch`'),
  total_epochs: Count,
  step: Count,
  total_steps: Count,
  progress: Percent,
  progress_percent: Percent,
  metrics: LenientMetrics,
  trace_id: Text,
})
/** `POST /v1/jobs/{id}/heartbeat`: progress and metrics. */
export type SimpleHeartbeatRequest = z.infer<typeof SimpleHeartbeatRequest>

/** The response to every simple endpoint: whether to continue. */
export const SimpleHeartbeatResponse = z.object({ status: z.string(), should_continue: z.boolean() })
/** The response to every simple endpoint: whether to continue. */
export type SimpleHeartbeatResponse = z.infer<typeof SimpleHeartbeatResponse>

/** `POST /v1/jobs/{id}/event`: a log line or an event. */
export const SimpleEventRequest = z.looseObject({
  level: lenient(z.string()).describe('debug, info, warning or error; any other word means info'),
  event_type: Name,
  message: Text,
  data: Details,
})
/** `POST /v1/jobs/{id}/event`: a log line or an event. */
export type SimpleEventRequest = z.infer<typeof SimpleEventRequest>

/** `POST /v1/jobs/{id}/done`: the end of the job. */
export const SimpleDoneRequest = z.looseObject({
  status: SimpleStatus,
  ...end,
  final_metrics: LenientMetrics,
  metrics: LenientMetrics.describe('Same as `final_metrics`'),
  best_epoch: Count,
  artifacts: lenient(z.array(z.unknown())),
  training_time_seconds: Amount,
})
/** `POST /v1/jobs/{id}/done`: the end of the job. */
export type SimpleDoneRequest = z.infer<typeof SimpleDoneRequest>

/** `POST /api/v1/validation/jobs/{id}/results` */
export const SimpleValidationRequest = z.looseObject({
  epoch: Count,
  split: lenient(z.enum(['train', 'val', 'test'])),
  primary_metric: Name.describe('Name of the primary metric. Default: that of the job'),
  metrics: LenientMetrics,
  overall_metrics: LenientMetrics.describe('Same as `metrics`'),
  per_class_metrics: lenient(z.record(z.string(), LenientMetrics)),
  confusion_matrix: lenient(
    z.looseObject({ classes: z.array(z.string()), counts: z.array(z.array(z.number().int().nonnegative())) }),
  ).describe('counts[actual][predicted]'),
})
export type SimpleValidationRequest = z.infer<typeof SimpleValidationRequest>

/** `POST …/callback/started` */
export const SimpleStartedRequest = z.looseObject({ runtime: lenient(z.string().max(100)), pid: Count })
export type SimpleStartedRequest = z.infer<typeof SimpleStartedRequest>

const SimplePrediction = z.looseObject({
  class_id: z.preprocess(fromText, z.number().int().nonnegative()),
  class_name: z.string(),
  confidence: z.preprocess(fromText, z.number().min(0).max(1)),
  bbox: lenient(z.tuple([z.number(), z.number(), z.number(), z.number()])),
  polygon: lenient(z.array(z.number())),
  keypoints: lenient(z.array(z.number())),
  obb: lenient(z.array(z.number()).length(8)),
})

/** `POST /api/v1/test_inference/inference/jobs/{id}/callback/completion` */
export const SimpleInferenceCompletionRequest = z.looseObject({
  status: SimpleStatus,
  ...end,
  total_images: Count,
  total_inference_time_ms: Amount,
  avg_inference_time_ms: Amount,
  artifact_id: Id,
  results: lenient(
    z
      .array(
        z.looseObject({
          image_name: z.string().max(1024),
          predictions: z.array(SimplePrediction).default([]),
          inference_time_ms: Amount,
        }),
      )
      .max(900),
  ).describe('At most 900 images; upload an artifact for more'),
})
export type SimpleInferenceCompletionRequest = z.infer<typeof SimpleInferenceCompletionRequest>

/** `POST /api/v1/export/jobs/{id}/callback/completion` */
export const SimpleExportCompletionRequest = z.looseObject({
  status: SimpleStatus,
  ...end,
  format: lenient(z.string().max(50)).describe('Default: the format of the job'),
  artifact_id: Id,
  metadata: Details,
})
export type SimpleExportCompletionRequest = z.infer<typeof SimpleExportCompletionRequest>
