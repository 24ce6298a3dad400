import { mkdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import {
  type ArtifactKind,
  DatasetFormat,
  DEFAULT_PRIMARY_METRIC,
  encodeMetric,
  type LogLevel,
  MAX_LOG_MESSAGE_LENGTH,
  type MetricGoal,
  type Metrics,
  type PredictedObject,
  type SplitName,
} from '@trainyard/contract'
import {
  CheckpointError,
  ConfigError,
  DatasetError,
  JobStoppedError,
  ValidationError,
} from '@trainyard/contract/trainer-errors'
import type { DatasetIndex } from '@trainyard/datasets'
import type {
  ArtifactOptions,
  CheckpointFile,
  CheckpointOptions,
  ExportOutcome,
  FetchedDataset,
  FetchOptions,
  MetricNumbers,
  PredictImage,
  PredictOutcome,
  Progress,
  SampleIndex,
  TrainOutcome,
  UploadedArtifact,
  Validation,
} from '../job.ts'
import type { CloseReport } from '../journal/journal-options.ts'
import type { NewEvent } from '../journal/new-event.ts'
import { SDK_NAME } from '../util/version.ts'
import type { Backend, OpenedDataset } from './backend.ts'
import type { JobSettings } from './settings.ts'

export interface SessionOptions {
  settings: JobSettings
  backend: Backend
  stop: AbortController
  allowNaN: boolean
  /** Shows a log line to people. */
  print: (level: LogLevel, message: string) => void
  /** Shows progress to people; nothing on a platform. */
  show?: (progress: Progress) => void
}

/** One job from `started` to its terminal event: what the job object and the plain calls are made of. */
export class Session {
  readonly settings: JobSettings
  readonly backend: Backend
  readonly signal: AbortSignal
  /** The first number that was not allowed: it fails the job even when the handler swallowed the error. */
  violation: ValidationError | undefined
  readonly #allowNaN: boolean
  readonly #print: SessionOptions['print']
  readonly #show: ((progress: Progress) => void) | undefined
  #epoch: number | undefined
  #dataset: Promise<OpenedDataset> | undefined
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
  }

  get epoch(): number | undefined {
    return this.#epoch
  }

  started(): void {
    if (this.backend.isResumed) {
      this.log('warning', 'The process was started again within the attempt', { pid: process.pid }, 'restarted')
      return
    }
    this.backend.append({ type: 'started', sdk: SDK_NAME, runtime: `node ${process.versions.node}`, pid: process.pid })
  }

  log(level: LogLevel, message: string, data?: Record<string, unknown>, eventType?: string): void {
    // Trainers in JavaScript log whatever they have; a log line must never fail.
    const text = this.backend.redact(typeof message === 'string' ? message : String(message))
    this.#print(level, text)
    this.backend.append({
      type: 'log',
      level,
      message: text.slice(0, MAX_LOG_MESSAGE_LENGTH),
      ...(eventType === undefined ? {} : { eventType }),
      ...(data === undefined ? {} : { data }),
    })
  }

  progress(progress: Progress): void {
    const { epoch, step, totalSteps, phase, metrics } = progress
    const { operation, config } = this.settings
    const totalEpochs =
      progress.totalEpochs ?? (operation === 'train' && epoch !== undefined ? config.basic.epochs : undefined)
    // Once a step: written out, because spreading takes ten times as long where the processor has just done other things.
    const event: Extract<NewEvent, { type: 'progress' }> = { type: 'progress' }
    if (epoch !== undefined) this.#epoch = event.epoch = epoch
    if (totalEpochs !== undefined) event.totalEpochs = totalEpochs
    if (step !== undefined) event.step = step
    if (totalSteps !== undefined) event.totalSteps = totalSteps
    if (phase !== undefined) event.phase = phase
    if (metrics !== undefined) event.metrics = encodeMetrics(metrics)
    this.#show?.({ ...progress, ...(totalEpochs === undefined ? {} : { totalEpochs }) })
    this.backend.append(event)
    this.#checkLoss(metrics)
  }

  validation(validation: Validation): void {
    const { epoch = this.#epoch, split = 'val', metrics, perClass, confusionMatrix, plots } = validation
    const primary = validation.primary ?? this.#findPrimary(metrics)
    this.backend.append({
      type: 'validation',
      ...(epoch === undefined ? {} : { epoch }),
      split,
      primary: { ...primary, value: encodeMetric(primary.value) },
      metrics: encodeMetrics(metrics),
      ...(perClass === undefined
        ? {}
        : {
            perClass: Object.fromEntries(
              Object.entries(perClass).map(([name, values]) => [name, encodeMetrics(values)]),
            ),
          }),
      ...(confusionMatrix === undefined ? {} : { confusionMatrix }),
      ...(plots === undefined ? {} : { plots }),
    })
    this.#checkLoss(metrics)
  }

  /** Which way a metric is better. */
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
        ...(epoch === undefined ? {} : { metadata: { epoch } }),
        ...(onProgress === undefined ? {} : { onProgress }),
      })
    } catch (error) {
      if (error instanceof JobStoppedError) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw new CheckpointError(`Checkpoint "${name}" could not be saved: ${why}`, { cause: error, retryable: true })
    }
    // The same bytes under the same name are the same artifact.
    this.#checkpointIds.add(artifact.id)
    this.backend.append({
      type: 'checkpoint',
      artifactId: artifact.id,
      name,
      ...(epoch === undefined ? {} : { epoch }),
      ...(metrics === undefined ? {} : { metrics: encodeMetrics(metrics) }),
    })
    return artifact
  }

  predictions(imageName: string, predictions: PredictedObject[], options: { inferenceTimeMs?: number } = {}): void {
    const { inferenceTimeMs } = options
    this.#predictedImages.add(imageName)
    if (inferenceTimeMs !== undefined) {
      this.#inferenceTimeMs += inferenceTimeMs
      this.#timedImages++
    }
    this.backend.append({
      type: 'prediction',
      imageName,
      predictions,
      ...(inferenceTimeMs === undefined ? {} : { inferenceTimeMs }),
    })
  }

  async fetchDataset({ as, own = false }: FetchOptions): Promise<FetchedDataset> {
    const { dir, index, shareConversion } = await this.#openDataset()
    const { classes, counts } = index
    const splits = (Object.keys(counts.splits) as SplitName[]).filter((split) => counts.splits[split] > 0)
    if (!DatasetFormat.options.includes(as)) {
      const wanted = DatasetFormat.options.map((format) => JSON.stringify(format)).join(', ')
      throw new ConfigError(`dataset.fetch got as: ${JSON.stringify(as)}; wanted: ${wanted}`)
    }
    if (as === 'imagefolder') this.#needClassification(index, 'An image folder')
    const format = index.format ?? (await this.#detectFormat(dir))
    // DICE leaves images without a split to whoever reads it; the others are read by tools that know nothing of ours.
    const isAsAsked = format === as && (as === 'dice' ? !index.hasOtherSplits : index.hasOwnSplits !== false)
    if (isAsAsked && as !== 'imagefolder' && !own) return { dir, classes, splits, counts }
    const { workDir, taskType } = this.settings
    const write = async (target: string) => {
      const { writeAs } = await import('@trainyard/datasets')
      return await writeAs({ source: dir, index, to: as, taskType, target, signal: this.signal })
    }
    const shared = own ? undefined : await shareConversion?.({ format: as, taskType }, write)
    const target = shared?.dir ?? join(workDir, `dataset-${as}`)
    if (shared === undefined) await mkdir(workDir, { recursive: true })
    // A work folder that a job is tried again in has it already.
    const losses = shared === undefined ? await write(target) : (shared.conversion?.losses ?? [])
    for (const { reason, count, examples } of losses)
      this.log('info', `Converting to ${as}: ${count} × ${reason}, such as ${examples[0]}`)
    return { dir: target, classes, splits, counts }
  }

  async samples(): Promise<SampleIndex> {
    const { index } = await this.#openDataset()
    this.#needClassification(index, 'dataset.samples()')
    return { classes: index.classes, samples: index.samples.filter((sample) => sample.classId >= 0) }
  }

  async images(): Promise<PredictImage[]> {
    const given = await this.backend.listImages()
    if (given !== undefined) return given
    const { index } = await this.#openDataset()
    const test = index.samples.filter((sample) => sample.split === 'test')
    return (test.length > 0 ? test : index.samples).map(({ name, path }) => ({ name, path }))
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

  completeTrain(outcome: TrainOutcome = {}, bestEpoch?: number): void {
    const { metrics = {} } = outcome
    this.#checkLoss(metrics)
    const best = outcome.bestEpoch ?? bestEpoch
    this.backend.append({
      type: 'completed',
      result: {
        operation: 'train',
        metrics: encodeMetrics(metrics),
        ...(best === undefined ? {} : { bestEpoch: best }),
        checkpointIds: [...this.#checkpointIds],
      },
    })
  }

  completePredict(outcome: PredictOutcome = {}): void {
    const artifactId = outcome.artifactId ?? this.#lastArtifact.get('prediction')
    const isTimed = this.#timedImages > 0
    this.backend.append({
      type: 'completed',
      result: {
        operation: 'predict',
        imageCount: outcome.imageCount ?? this.#predictedImages.size,
        ...(isTimed ? { totalInferenceTimeMs: this.#inferenceTimeMs } : {}),
        ...(isTimed ? { avgInferenceTimeMs: this.#inferenceTimeMs / this.#timedImages } : {}),
        ...(artifactId === undefined ? {} : { artifactId }),
      },
    })
  }

  completeExport(outcome: ExportOutcome = {}): void {
    const artifactId = outcome.artifactId ?? this.#lastArtifact.get('export')
    const format = this.settings.exportFormat
    if (artifactId === undefined)
      throw new ValidationError('The export left no artifact: job.artifact("export", file) makes one')
    if (format === undefined) throw new ConfigError('EXPORT_FORMAT is not set; wanted: the format to write')
    const { metadata } = outcome
    this.backend.append({ type: 'export', format, artifactId, ...(metadata ? { metadata } : {}) })
    this.backend.append({
      type: 'completed',
      result: { operation: 'export', format, artifactId, ...(metadata ? { metadata } : {}) },
    })
  }

  close(options: { timeoutMs: number }): Promise<CloseReport> {
    return this.backend.close(options)
  }

  async #openDataset(): Promise<OpenedDataset> {
    this.#dataset ??= this.#loadDataset()
    return this.#dataset
  }

  async #loadDataset(): Promise<OpenedDataset> {
    this.progress({ phase: 'fetch' })
    const start = performance.now()
    let said = 0
    const opened = await this.backend.openDataset(this.signal, (files, totalFiles) => {
      const percent = totalFiles === 0 ? 0 : Math.floor((100 * files) / totalFiles)
      // Not as steps: those are of the training, and say how much of the job is done.
      if (percent !== said) this.progress({ phase: `fetch ${percent} %` })
      said = percent
    })
    const { images, labelled } = opened.index.counts
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    this.log('info', `Dataset ready in ${seconds} s: ${images} images, ${labelled} of them labelled`)
    this.progress({ phase: this.settings.operation })
    if (this.settings.operation === 'train' && labelled === 0) {
      throw new DatasetError(`The dataset has ${images} images and none of them is labelled`)
    }
    return opened
  }

  async #detectFormat(dir: string): Promise<DatasetFormat> {
    const { detectFormat } = await import('@trainyard/datasets')
    return (await detectFormat(dir, { signal: this.signal })).format
  }

  #needClassification(index: DatasetIndex, who: string): void {
    if (index.taskType === 'classification') return
    throw new DatasetError(`${who} needs a classification dataset; this one is for ${index.taskType}`)
  }

  #findPrimary(metrics: MetricNumbers): { name: string; value: number; goal: MetricGoal } {
    const { manifest, taskType } = this.settings
    const { name, goal } = manifest?.metrics.primary[taskType] ?? DEFAULT_PRIMARY_METRIC[taskType]
    const value = metrics[name]
    if (value !== undefined) return { name, value, goal }
    const [first] = Object.entries(metrics)
    if (first === undefined) throw new ValidationError(`A validation has no metrics; wanted is at least "${name}"`)
    return { name: first[0], value: first[1], goal: this.goalOf(first[0]) }
  }

  #checkLoss(metrics: MetricNumbers | undefined): void {
    if (this.#allowNaN || metrics === undefined) return
    for (const name of Object.keys(metrics)) {
      if (!Number.isNaN(metrics[name]) || !/loss/i.test(name)) continue
      const where = this.#epoch === undefined ? '' : ` in epoch ${this.#epoch}`
      this.violation ??= new ValidationError(
        `Metric "${name}" is NaN${where}; wanted is a number (a lower learning rate often helps)`,
      )
      throw this.violation
    }
  }
}

/** A copy, so that what the trainer does with its numbers afterwards is its own affair. */
function encodeMetrics(metrics: MetricNumbers): Metrics {
  const encoded: Metrics = {}
  // Once a step: a plain loop takes a third of what `Object.fromEntries` does.
  for (const name of Object.keys(metrics)) encoded[name] = encodeMetric(metrics[name] as number)
  return encoded
}
