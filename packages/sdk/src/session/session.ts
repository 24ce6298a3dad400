import { basename, extname } from 'node:path'
import {
  type ArtifactKind,
  DEFAULT_PRIMARY_METRIC,
  encodeMetric,
  type LogLevel,
  MAX_LOG_MESSAGE_LENGTH,
  type MetricGoal,
  type Metrics,
  type PredictedObject,
} from '@trainyard/contract'
import { CheckpointError, ConfigError, JobStoppedError, ValidationError } from '@trainyard/contract/trainer-errors'
import type {
  ArtifactOptions,
  CheckpointFile,
  CheckpointOptions,
  ExportOutcome,
  MetricNumbers,
  PredictOutcome,
  Progress,
  TrainOutcome,
  UploadedArtifact,
  Validation,
} from '../job.ts'
import type { CloseReport } from '../journal/journal-options.ts'
import type { NewEvent } from '../journal/new-event.ts'
import { SDK_NAME } from '../util/version.ts'
import type { Backend } from './backend.ts'
import { SessionDataset } from './session-dataset.ts'
import type { JobSettings } from './settings.ts'

export interface SessionOptions {
  settings: JobSettings
  backend: Backend
  stop: AbortController
  allowNaN: boolean
  /** Prints a log line. */
  print: (level: LogLevel, message: string) => void
  /** Displays progress. Default: nothing. */
  show?: ((progress: Progress) => void) | undefined
}

/** One job, from `started` to its terminal event. The job object and the plain calls are built on it. */
export class Session {
  readonly settings: JobSettings
  readonly backend: Backend
  readonly signal: AbortSignal
  readonly dataset: SessionDataset
  /** The first NaN loss. It fails the job even when the handler catches the error. */
  violation: ValidationError | undefined
  readonly #allowNaN: boolean
  readonly #print: SessionOptions['print']
  readonly #show: SessionOptions['show']
  #epoch: number | undefined
  #checkpoint: Promise<CheckpointFile | undefined> | undefined
  #checkpointIds = new Set<string>()
  #lastArtifact = new Map<ArtifactKind, string>()
  #predictedImages = new Set<string>()
  #inferenceTimeMs = 0
  #timedImages = 0

  constructor({ settings, backend, stop, allowNaN, print, show }: SessionOptions) {
    this.settings = settings
    this.backend = backend
    this.signal = stop.signal
    this.#allowNaN = allowNaN
    this.#print = print
    this.#show = show
    this.dataset = new SessionDataset({
      settings,
      backend,
      signal: stop.signal,
      info: (message) => this.log('info', message),
      phase: (phase) => this.progress({ phase }),
    })
  }

  get epoch(): number | undefined {
    return this.#epoch
  }

  started(): void {
    if (this.backend.isResumed) {
      this.log('warning', 'The process was restarted within the attempt', { pid: process.pid }, 'restarted')
      return
    }
    this.backend.append({ type: 'started', sdk: SDK_NAME, runtime: `node ${process.versions.node}`, pid: process.pid })
  }

  log(level: LogLevel, message: string, data?: Record<string, unknown>, eventType?: string): void {
    // JavaScript callers may pass any value; a log call must never fail.
    const text = this.backend.redact(typeof message === 'string' ? message : String(message))
    this.#print(level, text)
    this.backend.append({ type: 'log', level, message: text.slice(0, MAX_LOG_MESSAGE_LENGTH), eventType, data })
  }

  progress(progress: Progress): void {
    const { epoch, step, totalSteps, phase, metrics } = progress
    const { operation, config } = this.settings
    const totalEpochs =
      progress.totalEpochs ?? (operation === 'train' && epoch !== undefined ? config.basic.epochs : undefined)
    // Called for every step. Assigned one by one: keys without a value cost 1 µs of JSON for each event (3 instead of 2 µs).
    const event: Extract<NewEvent, { type: 'progress' }> = { type: 'progress' }
    if (epoch !== undefined) this.#epoch = event.epoch = epoch
    if (totalEpochs !== undefined) event.totalEpochs = totalEpochs
    if (step !== undefined) event.step = step
    if (totalSteps !== undefined) event.totalSteps = totalSteps
    if (phase !== undefined) event.phase = phase
    if (metrics !== undefined) event.metrics = encodeMetrics(metrics)
    this.#show?.({ ...progress, totalEpochs })
    this.backend.append(event)
    this.#checkLoss(metrics)
  }

  validation(validation: Validation): void {
    const { epoch = this.#epoch, split = 'val', metrics, perClass, confusionMatrix, plots } = validation
    const primary = validation.primary ?? this.#findPrimary(metrics)
    this.backend.append({
      type: 'validation',
      epoch,
      split,
      primary: { ...primary, value: encodeMetric(primary.value) },
      metrics: encodeMetrics(metrics),
      perClass: perClass === undefined ? undefined : encodePerClass(perClass),
      confusionMatrix,
      plots,
    })
    this.#checkLoss(metrics)
  }

  /** Whether a higher or a lower value of a metric is better. */
  goalOf(name: string): MetricGoal {
    const { manifest, taskType } = this.settings
    const primary = [manifest?.metrics.primary[taskType], DEFAULT_PRIMARY_METRIC[taskType]].find(
      (item) => item?.name === name,
    )
    return primary?.goal ?? (/loss|error/i.test(name) ? 'minimize' : 'maximize')
  }

  async artifact(kind: ArtifactKind, file: string, options: ArtifactOptions = {}): Promise<UploadedArtifact> {
    const artifact = await this.backend.upload(kind, file, options)
    this.#lastArtifact.set(kind, artifact.id)
    this.backend.append({ type: 'artifact', artifactId: artifact.id, kind, name: artifact.name })
    return artifact
  }

  async checkpoint(name: string, file: string, options: CheckpointOptions = {}): Promise<UploadedArtifact> {
    const { epoch = this.#epoch, metrics, onProgress } = options
    const extension = extname(basename(file))
    let artifact: UploadedArtifact
    try {
      artifact = await this.backend.upload('checkpoint', file, {
        name: `${name}${extension}`,
        metadata: epoch === undefined ? undefined : { epoch },
        onProgress,
      })
    } catch (error) {
      if (error instanceof JobStoppedError) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw new CheckpointError(`Checkpoint "${name}" could not be saved: ${why}`, { cause: error, retryable: true })
    }
    // A set: the same bytes under the same name are the same artifact.
    this.#checkpointIds.add(artifact.id)
    const encoded = metrics === undefined ? undefined : encodeMetrics(metrics)
    this.backend.append({ type: 'checkpoint', artifactId: artifact.id, name, epoch, metrics: encoded })
    return artifact
  }

  predictions(
    imageName: string,
    predictions: PredictedObject[],
    { inferenceTimeMs }: { inferenceTimeMs?: number | undefined } = {},
  ): void {
    this.#predictedImages.add(imageName)
    if (inferenceTimeMs !== undefined) {
      this.#inferenceTimeMs += inferenceTimeMs
      this.#timedImages++
    }
    this.backend.append({ type: 'prediction', imageName, predictions, inferenceTimeMs })
  }

  findCheckpoint(): Promise<CheckpointFile | undefined> {
    this.#checkpoint ??= this.backend.findCheckpoint(this.signal)
    return this.#checkpoint
  }

  async getCheckpoint(): Promise<CheckpointFile> {
    const checkpoint = await this.findCheckpoint()
    if (checkpoint === undefined) {
      throw new CheckpointError(`The job has no checkpoint; ${this.settings.operation} needs one`)
    }
    return checkpoint
  }

  completeTrain(outcome: TrainOutcome = {}, defaultBestEpoch?: number): void {
    const { metrics = {}, bestEpoch = defaultBestEpoch } = outcome
    this.#checkLoss(metrics)
    const checkpointIds = [...this.#checkpointIds]
    this.backend.append({
      type: 'completed',
      result: { operation: 'train', metrics: encodeMetrics(metrics), bestEpoch, checkpointIds },
    })
  }

  completePredict(outcome: PredictOutcome = {}): void {
    const isTimed = this.#timedImages > 0
    this.backend.append({
      type: 'completed',
      result: {
        operation: 'predict',
        imageCount: outcome.imageCount ?? this.#predictedImages.size,
        totalInferenceTimeMs: isTimed ? this.#inferenceTimeMs : undefined,
        avgInferenceTimeMs: isTimed ? this.#inferenceTimeMs / this.#timedImages : undefined,
        artifactId: outcome.artifactId ?? this.#lastArtifact.get('prediction'),
      },
    })
  }

  completeExport({ artifactId = this.#lastArtifact.get('export'), metadata }: ExportOutcome = {}): void {
    const format = this.settings.exportFormat
    if (artifactId === undefined)
      throw new ValidationError('The export has no artifact: upload one with job.artifact("export", file)')
    if (format === undefined) throw new ConfigError('EXPORT_FORMAT is not set; expected the format to export to')
    this.backend.append({ type: 'export', format, artifactId, metadata })
    this.backend.append({ type: 'completed', result: { operation: 'export', format, artifactId, metadata } })
  }

  close(options: { timeoutMs: number }): Promise<CloseReport> {
    return this.backend.close(options)
  }

  #findPrimary(metrics: MetricNumbers): { name: string; value: number; goal: MetricGoal } {
    const { manifest, taskType } = this.settings
    const { name, goal } = manifest?.metrics.primary[taskType] ?? DEFAULT_PRIMARY_METRIC[taskType]
    const value = metrics[name]
    if (value !== undefined) return { name, value, goal }
    const [first] = Object.entries(metrics)
    if (first === undefined) throw new ValidationError(`The validation has no metrics; expected at least "${name}"`)
    return { name: first[0], value: first[1], goal: this.goalOf(first[0]) }
  }

  #checkLoss(metrics: MetricNumbers | undefined): void {
    if (this.#allowNaN || metrics === undefined) return
    for (const name of Object.keys(metrics)) {
      if (!Number.isNaN(metrics[name]) || !/loss/i.test(name)) continue
      const where = this.#epoch === undefined ? '' : ` in epoch ${this.#epoch}`
      this.violation ??= new ValidationError(
        `Metric "${name}" is NaN${where}; expected a number (a lower learning rate often helps)`,
      )
      throw this.violation
    }
  }
}

/** Makes a copy: the trainer may change its object afterwards. */
function encodeMetrics(metrics: MetricNumbers): Metrics {
  const encoded: Metrics = {}
  // Called for every step: a plain loop takes a third of the time of `Object.fromEntries`.
  for (const name of Object.keys(metrics)) encoded[name] = encodeMetric(metrics[name] as number)
  return encoded
}

function encodePerClass(perClass: Readonly<Record<string, MetricNumbers>>): Record<string, Metrics> {
  return Object.fromEntries(Object.entries(perClass).map(([name, metrics]) => [name, encodeMetrics(metrics)]))
}
