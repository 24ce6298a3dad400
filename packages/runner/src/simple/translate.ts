import {
  LogLevel,
  MAX_LOG_MESSAGE_LENGTH,
  type SimpleDoneRequest,
  type SimpleEventRequest,
  type SimpleExportCompletionRequest,
  type SimpleHeartbeatRequest,
  type SimpleInferenceCompletionRequest,
  type SimpleStartedRequest,
  type SimpleValidationRequest,
} from '@trainyard/contract'
import type { JobRow } from '../db/schema/jobs.ts'

/** An event of the journal without sequence number and time. */
export type UnnumberedEvent = { type: string } & Record<string, unknown>

type End = Pick<SimpleDoneRequest, 'status' | 'error' | 'error_message' | 'error_type' | 'traceback' | 'retryable'>

/** A `progress` event, or nothing for a heartbeat without progress. */
export function eventsOfHeartbeat(body: SimpleHeartbeatRequest): UnnumberedEvent[] {
  const { total_epochs: totalEpochs, metrics } = body
  const epoch = body.epoch ?? body.current_epoch
  const { step, totalSteps } = stepsOf(body)
  const progress = { epoch, totalEpochs, step, totalSteps, metrics }
  return Object.values(progress).every((value) => value === undefined) ? [] : [{ type: 'progress', ...progress }]
}

/** A percentage counts as steps out of 100 when neither epochs nor steps tell how much is done. */
function stepsOf(body: SimpleHeartbeatRequest): { step: number | undefined; totalSteps: number | undefined } {
  const { step, total_steps: totalSteps, total_epochs: totalEpochs } = body
  const percent = body.progress ?? body.progress_percent
  const isKnown = totalEpochs !== undefined || totalSteps !== undefined || step !== undefined
  return percent === undefined || isKnown ? { step, totalSteps } : { step: Math.round(percent), totalSteps: 100 }
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  warn: 'warning',
  critical: 'error',
  fatal: 'error',
  trace: 'debug',
}

export function eventOfMessage(body: SimpleEventRequest): UnnumberedEvent {
  const name = (body.level ?? 'info').toLowerCase()
  const level = LogLevel.safeParse(name)
  return {
    type: 'log',
    level: level.success ? level.data : (LEVELS[name] ?? 'info'),
    message: (body.message ?? '').slice(0, MAX_LOG_MESSAGE_LENGTH),
    eventType: body.event_type?.slice(0, 100),
    data: body.data,
  }
}

export function eventOfStarted(body: SimpleStartedRequest): UnnumberedEvent {
  return { type: 'started', sdk: 'simple endpoints', runtime: body.runtime, pid: body.pid }
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
  return {
    type: 'failed',
    errorType: body.error_type ?? 'UnknownError',
    message: (error ?? 'The trainer reported a failure').slice(0, MAX_LOG_MESSAGE_LENGTH),
    retryable: body.retryable ?? true,
    traceback: body.traceback?.slice(-65_536),
  }
}

function resultOf(body: SimpleDoneRequest, job: Pick<JobRow, 'operation' | 'export_format'>) {
  const metrics = body.final_metrics ?? body.metrics ?? {}
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

/** `primary` is the metric by which the best checkpoint of the job is chosen. */
export function eventOfValidation(body: SimpleValidationRequest, primary: JobRow['primary_metric']): UnnumberedEvent {
  const metrics = body.metrics ?? body.overall_metrics ?? {}
  const name = body.primary_metric ?? primary.name
  const goal = name === primary.name || !/loss|error/i.test(name) ? primary.goal : 'minimize'
  return {
    type: 'validation',
    primary: { name, value: metrics[name], goal },
    metrics,
    epoch: body.epoch,
    split: body.split,
    perClass: body.per_class_metrics,
    confusionMatrix: body.confusion_matrix,
  }
}

export function eventsOfInference(body: SimpleInferenceCompletionRequest): UnnumberedEvent[] {
  const results = body.results ?? []
  const predictions = results.map((result) => ({
    type: 'prediction',
    imageName: result.image_name,
    predictions: result.predictions.map(({ class_id, class_name, confidence, bbox, polygon, keypoints, obb }) => ({
      classId: class_id,
      className: class_name,
      confidence,
      bbox,
      polygon,
      keypoints,
      obb,
    })),
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

export function eventsOfExport(
  body: SimpleExportCompletionRequest,
  job: Pick<JobRow, 'export_format'>,
): UnnumberedEvent[] {
  const failure = eventOfBadEnd(body)
  if (failure !== undefined) return [failure]
  const format = body.format ?? job.export_format ?? ''
  const exported = { format, artifactId: body.artifact_id, metadata: body.metadata }
  return [
    { type: 'export', ...exported },
    { type: 'completed', result: { operation: 'export', ...exported } },
  ]
}
