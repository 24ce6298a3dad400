import {
  classifyFailure,
  MAX_LOG_MESSAGE_LENGTH,
  type MetricGoal,
  type Metrics,
  type MetricValue,
  type SimpleCheckpointRequest,
  type SimpleDoneRequest,
  type SimpleEventRequest,
  type SimpleExportCompletionRequest,
  type SimpleHeartbeatRequest,
  type SimpleInferenceCompletionRequest,
  type SimpleStartedRequest,
  type SimpleValidationRequest,
} from '@trainyard/contract'
import type { JobRow } from '../db/schema/jobs.ts'
import type { UploadedFile } from './find-uploaded.ts'

/** An event of the journal without sequence number and time. */
export type UnnumberedEvent = { type: string } & Record<string, unknown>

type End = Pick<SimpleDoneRequest, 'status' | 'error' | 'error_message' | 'error_type' | 'traceback' | 'retryable'>
type Primary = Pick<SimpleHeartbeatRequest, 'primary_metric_name' | 'primary_metric_value'>

/** A `progress` event, or nothing for a heartbeat without progress. */
export function eventsOfHeartbeat(body: SimpleHeartbeatRequest): UnnumberedEvent[] {
  const { total_epochs: totalEpochs } = body
  const epoch = body.epoch ?? body.current_epoch
  const { step, totalSteps } = stepsOf(body)
  const progress = { epoch, totalEpochs, step, totalSteps, metrics: withPrimary(body.metrics, body) }
  return Object.values(progress).every((value) => value === undefined) ? [] : [{ type: 'progress', ...progress }]
}

/** The metrics with the primary one, if the sender gave it in fields of its own. */
function withPrimary(metrics: Metrics | undefined, primary: Primary): Metrics | undefined {
  const { primary_metric_name: name, primary_metric_value: value } = primary
  if (name === undefined || value === undefined || metrics?.[name] !== undefined) return metrics
  return { ...metrics, [name]: value }
}

/** A percentage counts as steps out of 100 when neither epochs nor steps tell how much is done. */
function stepsOf(body: SimpleHeartbeatRequest): { step: number | undefined; totalSteps: number | undefined } {
  const { step, total_steps: totalSteps, total_epochs: totalEpochs } = body
  const percent = body.progress ?? body.progress_percent
  const isKnown = totalEpochs !== undefined || totalSteps !== undefined || step !== undefined
  return percent === undefined || isKnown ? { step, totalSteps } : { step: Math.round(percent), totalSteps: 100 }
}

export function eventOfMessage(body: SimpleEventRequest): UnnumberedEvent {
  return {
    type: 'log',
    level: body.level ?? 'info',
    message: (body.message ?? '').slice(0, MAX_LOG_MESSAGE_LENGTH),
    eventType: body.event_type?.slice(0, 100),
    data: body.data,
  }
}

export function eventOfStarted(body: SimpleStartedRequest): UnnumberedEvent {
  return { type: 'started', sdk: 'simple endpoints', runtime: body.runtime?.slice(0, 100), pid: body.pid }
}

export function eventOfCheckpoint(body: SimpleCheckpointRequest, file: UploadedFile): UnnumberedEvent {
  return {
    type: 'checkpoint',
    artifactId: file.id,
    name: body.name ?? file.stem,
    epoch: body.epoch ?? body.current_epoch ?? file.epoch,
    metrics: withPrimary(body.metrics, body),
  }
}

export function eventOfDone(
  body: SimpleDoneRequest,
  job: Pick<JobRow, 'operation' | 'export_format'>,
): UnnumberedEvent {
  return eventOfBadEnd(body) ?? { type: 'completed', result: resultOf(body, job) }
}

/** Undefined when the trainer reports success. */
function eventOfBadEnd(body: End): UnnumberedEvent | undefined {
  const error = body.error ?? body.error_message
  if (body.status === 'cancelled') return { type: 'cancelled', message: error?.slice(0, 1000) }
  if (body.status === 'completed') return undefined
  const { errorType, message } = classifyFailure(error ?? 'The trainer reported a failure')
  return {
    type: 'failed',
    errorType: body.error_type ?? errorType ?? 'UnknownError',
    message: message.slice(0, MAX_LOG_MESSAGE_LENGTH),
    retryable: body.retryable ?? true,
    traceback: body.traceback?.slice(-65_536),
  }
}

function resultOf(body: SimpleDoneRequest, job: Pick<JobRow, 'operation' | 'export_format'>) {
  const metrics = withPrimary(body.final_metrics ?? body.metrics, body) ?? {}
  const [artifactId] = (body.artifacts ?? []).filter((item) => typeof item === 'string')
  switch (job.operation) {
    case 'train':
      return { operation: 'train', metrics, bestEpoch: body.best_epoch }
    case 'predict':
      return { operation: 'predict', imageCount: Number(metrics.image_count ?? 0), artifactId }
    case 'export':
      return { operation: 'export', format: job.export_format ?? '', artifactId }
  }
}

/** `ofJob` is the metric by which the best checkpoint of the job is chosen. Undefined for a validation without any metric. */
export function eventOfValidation(
  body: SimpleValidationRequest,
  ofJob: JobRow['primary_metric'],
): UnnumberedEvent | undefined {
  const metrics = withPrimary(body.metrics ?? body.overall_metrics, body) ?? {}
  const primary = primaryOf(body, metrics, ofJob)
  if (primary === undefined) return undefined
  return {
    type: 'validation',
    primary,
    metrics,
    epoch: body.epoch ?? body.current_epoch,
    split: body.split,
    perClass: body.per_class_metrics,
    confusionMatrix: body.confusion_matrix,
  }
}

/** The metric that the sender named, or that of the job, or the first. */
function primaryOf(
  body: SimpleValidationRequest,
  metrics: Metrics,
  ofJob: JobRow['primary_metric'],
): { name: string; value: MetricValue; goal: MetricGoal } | undefined {
  const given = body.primary_metric ?? body.primary
  const names = [given?.name, body.primary_metric_name, ofJob.name, Object.keys(metrics)[0]]
  const goalOf = (name: string) => (name === ofJob.name || !/loss|error/i.test(name) ? ofJob.goal : 'minimize')
  if (given?.value !== undefined)
    return { name: given.name, value: given.value, goal: given.goal ?? goalOf(given.name) }
  for (const name of names) {
    const value = name === undefined ? undefined : metrics[name]
    if (name === undefined || value === undefined) continue
    return { name, value, goal: (name === given?.name ? given.goal : undefined) ?? goalOf(name) }
  }
  return undefined
}

export function eventsOfInference(body: SimpleInferenceCompletionRequest): UnnumberedEvent[] {
  const results = body.results ?? []
  const predictions = results.map((result) => ({
    type: 'prediction',
    imageName: result.image_name,
    predictions: result.predictions,
    inferenceTimeMs: result.inference_time_ms,
  }))
  const result = {
    operation: 'predict',
    imageCount: body.total_images ?? results.length,
    totalInferenceTimeMs: body.total_inference_time_ms,
    avgInferenceTimeMs: body.avg_inference_time_ms,
    artifactId: body.artifact_id,
  }
  return [...predictions, eventOfBadEnd(body) ?? { type: 'completed', result }]
}

/** `file` is the export that was uploaded last, if there is one. */
export function eventsOfExport(
  body: SimpleExportCompletionRequest,
  job: Pick<JobRow, 'export_format'>,
  file: UploadedFile | undefined,
): UnnumberedEvent[] {
  const failure = eventOfBadEnd(body)
  if (failure !== undefined) return [failure]
  const format = body.format ?? job.export_format ?? ''
  const exported = { format, artifactId: body.artifact_id ?? file?.id, metadata: body.metadata }
  return [
    { type: 'export', ...exported },
    { type: 'completed', result: { operation: 'export', ...exported } },
  ]
}
