import { basename, extname } from 'node:path'
import {
  type ArtifactKind,
  DEFAULT_PRIMARY_METRIC,
  encodeMetric,
  LogLevel,
  MAX_LOG_MESSAGE_LENGTH,
  type MetricGoal,
  type Metrics,
  type OperationResult,
  type PredictedObject,
} from '@trainyard/contract'
import {
  CheckpointError,
  ConfigError,
  JobStoppedError,
  TrainerError,
  ValidationError,
} from '@trainyard/contract/trainer-errors'
import type {
  ArtifactOptions,
  CheckpointFile,
  CheckpointOptions,
  ExportOutcome,
  MetricNumbers,
  PredictionOptions,
  PredictOutcome,
  Progress,
  TrainOutcome,
  UploadedArtifact,
  Validation,
} from '../job.ts'
import type { CloseReport } from '../journal/journal-options.ts'
import type { NewEvent } from '../journal/new-event.ts'
import { inspectFile } from '../storage/inspect-file.ts'
import { SDK_NAME } from '../util/version.ts'
import type { Backend } from './backend.ts'
import { ArtifactChoices, checkCall, checkEvent, FilePath } from './check-call.ts'
import { PendingCalls } from './pending-calls.ts'
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
  /** Displays the objects that were found in an image. Default: nothing. */
  showPredictions?: ((imageName: string, objects: readonly PredictedObject[]) => void) | undefined
}

/** One job, from `started` to its terminal event. The job object and the plain calls are built on it. */
export class Session {
  readonly settings: JobSettings
  readonly backend: Backend
  readonly signal: AbortSignal
  readonly dataset: SessionDataset
  /** The calls that the job waits for before it ends. */
  readonly calls = new PendingCalls()
  /** The first loss that is not finite. It fails the job even when the handler catches the error. */
  violation: ValidationError | undefined
  readonly #allowNaN: boolean
  readonly #print: SessionOptions['print']
  readonly #show: SessionOptions['show']
  readonly #showPredictions: SessionOptions['showPredictions']
  /** Calls after the end, each of which is mentioned once. */
  readonly #lateCalls = new Set<string>()
  #epoch: number | undefined
  #checkpoint: Promise<CheckpointFile | undefined> | undefined
  /** The last upload of each name: two at once would overtake each other. */
  readonly #uploads = new Map<string, Promise<unknown>>()
  #hasEnded = false
  #checkpointIds = new Set<string>()
  #lastArtifact = new Map<ArtifactKind, string>()
  #predictedImages = new Set<string>()
  #inferenceTimeMs = 0
  #timedImages = 0

  constructor({ settings, backend, stop, allowNaN, print, show, showPredictions }: SessionOptions) {
    this.settings = settings
    this.backend = backend
    this.signal = stop.signal
    this.#allowNaN = allowNaN
    this.#print = print
    this.#show = show
    this.#showPredictions = showPredictions
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
    const known = LogLevel.options.includes(level) ? level : 'info'
    this.#print(known, text)
    this.backend.append({
      type: 'log',
      level: known,
      message: text.slice(0, MAX_LOG_MESSAGE_LENGTH),
      eventType: eventType === undefined ? undefined : String(eventType).slice(0, MAX_EVENT_TYPE_LENGTH),
      data: data === undefined || isRecord(data) ? data : { value: data },
    })
  }

  progress(progress: Progress): void {
    const { epoch, step, totalSteps, phase, metrics } = progress
    const { operation, config } = this.settings
    const totalEpochs =
      progress.totalEpochs ?? (operation === 'train' && epoch !== undefined ? config.basic.epochs : undefined)
    // Called for every step. Assigned one by one: keys without a value cost 1 µs of JSON for each event (3 instead of 2 µs).
    const event: Extract<NewEvent, { type: 'progress' }> = { type: 'progress' }
    if (epoch !== undefined) event.epoch = epoch
    if (totalEpochs !== undefined) event.totalEpochs = totalEpochs
    if (step !== undefined) event.step = step
    if (totalSteps !== undefined) event.totalSteps = totalSteps
    if (phase !== undefined) event.phase = phase
    if (metrics !== undefined) event.metrics = encodeMetrics(metrics)
    if (!isPlainProgress(event)) checkEvent('job.progress', event)
    if (epoch !== undefined) this.#epoch = epoch
    if (!this.#hasEnded) this.#show?.({ ...progress, totalEpochs })
    this.#append('job.progress', event)
    this.#checkLoss(metrics)
  }

  validation(validation: Validation): void {
    const { epoch = this.#epoch, split = 'val', metrics, perClass, confusionMatrix, plots } = validation
    const primary = validation.primary ?? this.#findPrimary(metrics)
    const event: NewEvent = {
      type: 'validation',
      epoch,
      split,
      primary: { ...primary, value: encodeMetric(primary.value) },
      metrics: encodeMetrics(metrics),
      perClass: perClass === undefined ? undefined : encodePerClass(perClass),
      confusionMatrix,
      plots,
    }
    checkEvent('job.validation', event)
    this.#append('job.validation', event)
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

  /** `call` is the name of the call in error messages. */
  artifact(
    kind: ArtifactKind,
    file: string,
    options: ArtifactOptions = {},
    call = 'job.artifact',
  ): Promise<UploadedArtifact> {
    const name = `${call}(${show(kind)}, ${show(file)})`
    return this.calls.track(
      name,
      this.#oneByOne(`${kind} ${options.name ?? file}`, async () => {
        const artifact = await this.#upload(name, kind, file, options)
        this.#lastArtifact.set(kind, artifact.id)
        this.backend.append({ type: 'artifact', artifactId: artifact.id, kind, name: artifact.name })
        return artifact
      }),
    )
  }

  checkpoint(
    name: string,
    file: string,
    options: CheckpointOptions = {},
    call = 'job.checkpoint',
  ): Promise<UploadedArtifact> {
    const { epoch = this.#epoch, metrics, onProgress } = options
    const fullCall = `${call}(${show(name)}, ${show(file)})`
    // Encoded now: the trainer may change its object while the file is uploaded.
    const encoded = metrics === undefined ? undefined : encodeMetrics(metrics)
    const event = { type: 'checkpoint' as const, name, epoch, metrics: encoded }
    return this.calls.track(
      fullCall,
      this.#oneByOne(`checkpoint ${name}`, async () => {
        checkEvent(fullCall, { ...event, artifactId: 'unknown-yet' })
        checkCall(fullCall, FilePath, file)
        const artifact = await this.#saveCheckpoint(fullCall, file, {
          name: `${name}${extname(basename(file))}`,
          metadata: epoch === undefined ? undefined : { epoch },
          onProgress,
        })
        // A set: the same bytes under the same name are the same artifact.
        this.#checkpointIds.add(artifact.id)
        this.backend.append({ ...event, artifactId: artifact.id })
        return artifact
      }),
    )
  }

  async #saveCheckpoint(call: string, file: string, options: ArtifactOptions): Promise<UploadedArtifact> {
    try {
      return await this.#upload(call, 'checkpoint', file, options)
    } catch (error) {
      if (error instanceof JobStoppedError || error instanceof ValidationError || error instanceof CheckpointError)
        throw error
      const why = error instanceof Error ? error.message : String(error)
      const message = why.startsWith(call) ? why : `${call}: the checkpoint could not be saved: ${why}`
      const retryable = error instanceof TrainerError ? error.retryable : true
      throw new CheckpointError(message, { cause: error, retryable })
    }
  }

  async #upload(call: string, kind: ArtifactKind, file: string, options: ArtifactOptions): Promise<UploadedArtifact> {
    if (this.#hasEnded) throw new ValidationError(`${call} was called after the job had ended`)
    checkCall(call, FilePath, file)
    const { name = basename(file), contentType, metadata } = options
    checkCall(call, ArtifactChoices, { kind, name, contentType, metadata })
    await inspectFile(call, kind, file)
    return await this.backend.upload(kind, file, options)
  }

  /** Runs uploads of one name one after the other, in the order of the calls. */
  async #oneByOne<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#uploads.get(key) ?? Promise.resolve()
    const next = before.then(work, work)
    const done = next.then(
      () => {},
      () => {},
    )
    this.#uploads.set(key, done)
    try {
      return await next
    } finally {
      if (this.#uploads.get(key) === done) this.#uploads.delete(key)
    }
  }

  predictions(
    imageName: string,
    predictions: PredictedObject[],
    { inferenceTimeMs, error }: PredictionOptions = {},
  ): void {
    const event: NewEvent = { type: 'prediction', imageName, predictions, inferenceTimeMs, error }
    checkEvent('job.predictions', event)
    this.#predictedImages.add(imageName)
    if (inferenceTimeMs !== undefined) {
      this.#inferenceTimeMs += inferenceTimeMs
      this.#timedImages++
    }
    this.#showPredictions?.(imageName, predictions)
    this.#append('job.predictions', event)
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
    requireOutcome('train', outcome)
    const { metrics = {}, bestEpoch = defaultBestEpoch } = outcome
    this.#checkLoss(metrics)
    const checkpointIds = [...this.#checkpointIds]
    this.#complete('train', { operation: 'train', metrics: encodeMetrics(metrics), bestEpoch, checkpointIds })
  }

  completePredict(outcome: PredictOutcome = {}): void {
    requireOutcome('predict', outcome)
    const isTimed = this.#timedImages > 0
    this.#complete('predict', {
      operation: 'predict',
      imageCount: outcome.imageCount ?? this.#predictedImages.size,
      totalInferenceTimeMs: isTimed ? this.#inferenceTimeMs : undefined,
      avgInferenceTimeMs: isTimed ? this.#inferenceTimeMs / this.#timedImages : undefined,
      artifactId: outcome.artifactId ?? this.#lastArtifact.get('prediction'),
    })
  }

  completeExport(outcome: ExportOutcome = {}): void {
    requireOutcome('export', outcome)
    const { artifactId = this.#lastArtifact.get('export'), metadata } = outcome
    const format = this.settings.exportFormat
    if (artifactId === undefined)
      throw new ValidationError('The export has no artifact: upload one with job.artifact("export", file)')
    if (format === undefined) throw new ConfigError('EXPORT_FORMAT is not set; expected the format to export to')
    const event: NewEvent = { type: 'export', format, artifactId, metadata }
    checkEvent('The result of export', event)
    this.backend.append(event)
    this.#complete('export', { operation: 'export', format, artifactId, metadata })
  }

  #complete(operation: string, result: OperationResult): void {
    const event: NewEvent = { type: 'completed', result }
    checkEvent(`The result of ${operation}`, event)
    this.backend.append(event)
    this.end()
  }

  /** After the terminal event. Later calls are ignored, and each is mentioned once. */
  end(): void {
    this.#hasEnded = true
  }

  #append(call: string, event: NewEvent): void {
    if (!this.#hasEnded) {
      this.backend.append(event)
      return
    }
    if (this.#lateCalls.has(call)) return
    this.#lateCalls.add(call)
    this.#print('warning', `${call} was called after the job had ended; it was ignored`)
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
      if (Number.isFinite(metrics[name]) || !/loss/i.test(name)) continue
      const where = this.#epoch === undefined ? '' : ` in epoch ${this.#epoch}`
      this.violation ??= new ValidationError(
        `Metric "${name}" is ${metrics[name]}${where}; expected a number (a lower learning rate often helps)`,
      )
      throw this.violation
    }
  }
}

const MAX_EVENT_TYPE_LENGTH = 100
const MAX_METRIC_NAME_LENGTH = 250

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An argument in the name of a call. */
const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 120)

function requireOutcome(operation: string, outcome: unknown): void {
  if (isRecord(outcome)) return
  throw new ValidationError(`The handler ${operation} returned ${show(outcome)}; expected an object or nothing`)
}

/** Makes a copy: the trainer may change its object afterwards. What is not an object of numbers is left for the schema to refuse. */
function encodeMetrics(metrics: MetricNumbers): Metrics {
  if (!isRecord(metrics)) return metrics
  const encoded: Metrics = {}
  // Called for every step: a plain loop takes a third of the time of `Object.fromEntries`.
  for (const name of Object.keys(metrics)) encoded[name] = encodeMetric(metrics[name] as number)
  return encoded
}

function encodePerClass(perClass: Readonly<Record<string, MetricNumbers>>): Record<string, Metrics> {
  return Object.fromEntries(Object.entries(perClass).map(([name, metrics]) => [name, encodeMetrics(metrics)]))
}

/** Whether the schema would accept it: checked by hand, because a fast loop reports thousands of these a second. */
function isPlainProgress({
  epoch,
  totalEpochs,
  step,
  totalSteps,
  phase,
  metrics,
}: Extract<NewEvent, { type: 'progress' }>): boolean {
  if (!isCount(epoch) || !isCount(totalEpochs) || !isCount(step) || !isCount(totalSteps)) return false
  if (phase !== undefined && (typeof phase !== 'string' || phase.length > 50)) return false
  if (metrics === undefined) return true
  if (!isRecord(metrics)) return false
  for (const name of Object.keys(metrics)) {
    if (name === '' || name.length > MAX_METRIC_NAME_LENGTH || typeof metrics[name] !== 'number') return false
  }
  return true
}

const isCount = (value: unknown): boolean => value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0)
