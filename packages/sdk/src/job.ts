import type {
  ArtifactKind,
  DatasetClass,
  DatasetCounts,
  ExportFormat,
  LogLevel,
  MetricGoal,
  Operation,
  PredictedObject,
  SplitName,
  TargetFormat,
  TaskType,
  TrainerManifest,
} from '@trainyard/contract'
import type { ConfigOf } from './job-config.ts'

/** Metrics by name. NaN and infinities are allowed; they are sent as strings. */
export type MetricNumbers = Readonly<Record<string, number>>

/** The progress of a job, and its metrics. Fields that are left out keep their last value. */
export interface Progress {
  /** The number of finished epochs. */
  epoch?: number | undefined
  /** Default: `config.basic.epochs` for a training. */
  totalEpochs?: number | undefined
  /** The number of finished steps since the start of the attempt. */
  step?: number | undefined
  totalSteps?: number | undefined
  /** What the job is doing, for example "fetch" or "train"; at most 50 characters. */
  phase?: string | undefined
  metrics?: MetricNumbers | undefined
}

/** The result of a validation. */
export interface Validation {
  /** Default: the epoch of the last {@link JobBase.progress}. */
  epoch?: number | undefined
  /** Default: "val". */
  split?: SplitName | undefined
  metrics: MetricNumbers
  /** Default: the primary metric of the task in the manifest, with its value in `metrics`. */
  primary?: { name: string; value: number; goal: MetricGoal } | undefined
  /** Metrics by class name. */
  perClass?: Readonly<Record<string, MetricNumbers>> | undefined
  /** `counts[actual][predicted]` */
  confusionMatrix?: { classes: string[]; counts: number[][] } | undefined
  /** Ids of plots that were uploaded with {@link JobBase.artifact}. */
  plots?: string[] | undefined
}

/** An uploaded file. In local mode it was copied into the folder of the run. */
export interface UploadedArtifact {
  id: string
  name: string
  sizeBytes: number
  sha256: string
}

/** Options of an upload. */
export interface ArtifactOptions {
  /** Name on the platform: a relative path. Default: the name of the file, or `name.tar` for a folder. */
  name?: string | undefined
  /** Default: "application/octet-stream". */
  contentType?: string | undefined
  metadata?: Record<string, unknown> | undefined
  /** Called while bytes are sent. A part that is sent again is counted from its start. */
  onProgress?: ((progress: UploadProgress) => void) | undefined
}

/** The progress of an upload. */
export interface UploadProgress {
  sentBytes: number
  totalBytes: number
}

/** Options of a checkpoint. */
export interface CheckpointOptions {
  /** Default: the epoch of the last {@link JobBase.progress}. */
  epoch?: number | undefined
  metrics?: MetricNumbers | undefined
  /** See {@link ArtifactOptions}. */
  onProgress?: ArtifactOptions['onProgress']
}

/** Logs to the console and to the journal. `job.log('text')` is `job.log.info('text')`. */
export interface JobLog {
  (message: string, data?: Record<string, unknown>): void
  /** Details for debugging. Dropped first when the journal is full. */
  debug(message: string, data?: Record<string, unknown>): void
  /** Information for people who watch the job. */
  info(message: string, data?: Record<string, unknown>): void
  /** Something is wrong, but the job continues. */
  warning(message: string, data?: Record<string, unknown>): void
  /** Something failed. Sent at once. */
  error(message: string, data?: Record<string, unknown>): void
  /** A log line with a type that can be searched for: `event('early-stop', 'no progress for 10 epochs')`. */
  event(
    eventType: string,
    message: string,
    options?: { level?: LogLevel | undefined; data?: Record<string, unknown> | undefined },
  ): void
}

/** Tracks the best value of a metric. */
export interface BestTracker {
  /**
   * Returns whether `value` is better than all earlier values of this name. The direction is `goal`, by default the goal
   * of the manifest's primary metric, otherwise "minimize" for names with "loss" or "error" and "maximize" for others. NaN
   * and infinities are never best.
   */
  (name: string, value: number, options?: { goal?: MetricGoal | undefined }): boolean
  /** The best value of the name that was tracked first; NaN before the first call. */
  readonly value: number
  /** The epoch of that value. */
  readonly epoch: number | undefined
}

/** An image of a classification dataset. */
export interface Sample {
  /** Absolute path. The file is read-only and may be shared with other jobs. */
  path: string
  /** Path inside the dataset. */
  name: string
  classId: number
  split: SplitName
}

/** The labelled images of a classification dataset. */
export interface SampleIndex {
  classes: DatasetClass[]
  samples: Sample[]
}

/** A dataset on this machine, in the requested format. */
export interface FetchedDataset {
  /**
   * The folder of the dataset. Read-only when it is shared with other jobs, which is the default on a platform. The layout of
   * `imagefolder` is `dir/{split}/{class}/{image}`.
   */
  dir: string
  classes: DatasetClass[]
  /** The splits that have images. */
  splits: SplitName[]
  counts: DatasetCounts
}

/** Options of {@link JobDataset.fetch}. */
export interface FetchOptions {
  /** The format: `yolo` for Ultralytics (with a `data.yaml`), `imagefolder` for classifiers, and so on. */
  as: TargetFormat
  /**
   * Makes a private, writable copy in the work folder, which costs the time and disk space of a conversion in every job.
   * Default false: the read-only dataset of the cache.
   */
  own?: boolean | undefined
}

/** The job's dataset. It is downloaded once for each machine and then taken from the cache. */
export interface JobDataset {
  /** Downloads, verifies and converts the dataset. Throws `DatasetError` when it cannot be used. */
  fetch(options: FetchOptions): Promise<FetchedDataset>
  /** The labelled images of a classification dataset. Their paths point into the read-only cache; nothing is copied. */
  samples(): Promise<SampleIndex>
}

/** A checkpoint that was downloaded and verified. */
export interface CheckpointFile {
  /** A folder when a folder was saved. */
  path: string
  name: string
  sizeBytes: number
  /**
   * Set when an earlier attempt of this job saved the checkpoint: continue after its epoch. Undefined for a checkpoint to start
   * from.
   */
  resume?: { attempt: number; epoch?: number | undefined } | undefined
}

/** What every handler receives. With a manifest, `config` has its settings: `TrainJob<typeof manifest>`. */
export interface JobBase<M = unknown> {
  /** 0 in local mode. */
  readonly id: number
  readonly attempt: number
  readonly operation: Operation
  readonly taskType: TaskType
  readonly framework: string
  /** The name of a model in the manifest. */
  readonly model: string
  readonly traceId: string
  /** Whether the job runs without a platform; its artifacts are then kept under `./runs/{n}`. */
  readonly isLocal: boolean
  readonly manifest: TrainerManifest | undefined
  readonly config: ConfigOf<M>
  /** Aborts with a {@link JobStoppedError} when the job must stop. Check it between steps: `job.signal.throwIfAborted()`. */
  readonly signal: AbortSignal
  /** Writable and private to this attempt; removed after it. */
  readonly workDir: string
  readonly log: JobLog
  readonly dataset: JobDataset
  readonly inputs: {
    /** Downloads the checkpoint to resume from, predict with or export. Throws `CheckpointError` when there is none. */
    checkpoint(): Promise<CheckpointFile>
    /** The same, but returns undefined when there is none. */
    findCheckpoint(): Promise<CheckpointFile | undefined>
  }
  /**
   * Reports progress. Synchronous and cheap. Throws `ValidationError` for a value that the platform would refuse, and for NaN or
   * an infinity among metrics with "loss" in their name, unless the trainer was defined with `allowNaN`.
   */
  progress(progress: Progress): void
  /**
   * Uploads a file, or a folder as a tar, and reports it to the platform. Throws `ResourceError` when the file cannot be read or
   * changes meanwhile, `ValidationError` for a name or kind that the platform would refuse. The job waits for calls that are not
   * awaited.
   */
  artifact(kind: ArtifactKind, file: string, options?: ArtifactOptions): Promise<UploadedArtifact>
}

/** What the handler `train` receives. */
export interface TrainJob<M = unknown> extends JobBase<M> {
  readonly operation: 'train'
  readonly best: BestTracker
  /** Reports a validation. Synchronous and cheap. Throws like {@link JobBase.progress}. */
  validation(validation: Validation): void
  /**
   * Uploads a checkpoint and reports it. Resolves when the platform has stored it. `name` is "best", "last", or any other
   * name. Throws `CheckpointError` when it cannot be saved. The job waits for calls that are not awaited.
   */
  checkpoint(name: string, file: string, options?: CheckpointOptions): Promise<UploadedArtifact>
}

/** An image to predict. */
export interface PredictImage {
  /** Path inside the dataset or folder. */
  name: string
  /** Absolute path of the file. */
  path: string
}

/** Options of {@link PredictJob.predictions}. */
export interface PredictionOptions {
  inferenceTimeMs?: number | undefined
  /** Why the image could not be predicted, in words for the person who sent it. */
  error?: string | undefined
}

/** What the handler `predict` receives. */
export interface PredictJob<M = unknown> extends JobBase<M> {
  readonly operation: 'predict'
  /** The images to predict: the `test` split of the job's dataset, or all images without one; in local mode those of `--images`. */
  images(): Promise<PredictImage[]>
  /**
   * The images to predict, in batches as they come: `for await (const images of job.batches())`. A dataset is one batch. When
   * people send pictures one by one, it waits for the next ones for some minutes, so that the model is loaded once. A file is
   * removed when the next batch is requested.
   */
  batches(): AsyncIterable<PredictImage[]>
  /** Reports the objects that were found in an image. Objects of a classifier have no box. */
  predictions(imageName: string, objects: PredictedObject[], options?: PredictionOptions): void
}

/** What the handler `export` receives. */
export interface ExportJob<M = unknown> extends JobBase<M> {
  readonly operation: 'export'
  /** The format to export to. */
  readonly exportFormat: ExportFormat
}

/** The result of a training. */
export interface TrainOutcome {
  /** Final metrics. */
  metrics?: MetricNumbers | undefined
  /** Default: the epoch of the best value of `job.best`. */
  bestEpoch?: number | undefined
}

/** The result of a prediction. */
export interface PredictOutcome {
  /** Default: the number of images passed to `job.predictions`. */
  imageCount?: number | undefined
  /** Id of an artifact with all predictions. Default: the last artifact of kind "prediction". */
  artifactId?: string | undefined
}

/** The result of an export. */
export interface ExportOutcome {
  /** Default: the last artifact of kind "export". */
  artifactId?: string | undefined
  metadata?: Record<string, unknown> | undefined
}
