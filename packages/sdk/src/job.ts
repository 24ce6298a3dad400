import type {
  ArtifactKind,
  BasicConfig,
  DatasetClass,
  DatasetCounts,
  DatasetFormat,
  ExportFormat,
  LogLevel,
  MetricGoal,
  Operation,
  PredictedObject,
  SplitName,
  TaskType,
  TrainerManifest,
} from '@trainyard/contract'

/** The basic settings after every default has been applied: those with a default of the field are always there. */
export type ResolvedBasicConfig = BasicConfig & {
  imgsz: number
  epochs: number
  batch: number
  learning_rate: number
  optimizer: string
  augment: boolean
  device: string
  workers: number
  patience: number
  seed: number
}

/**
 * The settings of a job: the basic ones that every trainer has, and the trainer's own as its manifest declares them.
 */
export interface ResolvedConfig {
  basic: ResolvedBasicConfig
  advanced: Record<string, unknown>
}

/** Metrics by name. NaN and infinities are allowed here and travel as text. */
export type MetricNumbers = Readonly<Record<string, number>>

/** How far a job is, and its numbers. Every field is optional; what is left out stays as it was. */
export interface Progress {
  /** Finished epochs, from 1. */
  epoch?: number
  /** Default: `config.basic.epochs` while training. */
  totalEpochs?: number
  /** Finished steps since the start of the attempt. */
  step?: number
  totalSteps?: number
  /** What is going on, for example "fetch" or "train"; at most 50 characters. */
  phase?: string
  metrics?: MetricNumbers
}

/** The outcome of a validation: what a finished epoch is worth. */
export interface Validation {
  /** Default: the epoch of the last {@link JobBase.progress}. */
  epoch?: number
  /** Default: "val". */
  split?: SplitName
  metrics: MetricNumbers
  /** Default: the task's primary metric of the manifest, taken from `metrics`. */
  primary?: { name: string; value: number; goal: MetricGoal }
  perClass?: Readonly<Record<string, MetricNumbers>>
  /** `counts[actual][predicted]` */
  confusionMatrix?: { classes: string[]; counts: number[][] }
  /** Ids of plots that were uploaded with {@link JobBase.artifact}. */
  plots?: string[]
}

/** A file that was uploaded (locally: copied into the run's folder). */
export interface UploadedArtifact {
  id: string
  name: string
  sizeBytes: number
  sha256: string
}

/** How a file is stored on the platform. */
export interface ArtifactOptions {
  /** Name on the platform: a relative path. Default: the file's own name (a folder becomes `name.tar`). */
  name?: string
  contentType?: string
  metadata?: Record<string, unknown>
  /** Called as bytes leave; a part that is tried again counts from its start again. */
  onProgress?: (progress: UploadProgress) => void
}

/** How much of an upload has left. */
export interface UploadProgress {
  sentBytes: number
  totalBytes: number
}

/** What is told about a checkpoint beside its bytes. */
export interface CheckpointOptions {
  /** Default: the epoch of the last {@link JobBase.progress}. */
  epoch?: number
  metrics?: MetricNumbers
  /** As in {@link ArtifactOptions}. */
  onProgress?: ArtifactOptions['onProgress']
}

/** `job.log('text')` is `job.log.info('text')`. Goes to the console and to the journal. */
export interface JobLog {
  (message: string, data?: Record<string, unknown>): void
  /** For those who look for a fault: the first to go when there is no room. */
  debug(message: string, data?: Record<string, unknown>): void
  /** What a person who watches the job wants to know. */
  info(message: string, data?: Record<string, unknown>): void
  /** Something is not as it should be; the job goes on. */
  warning(message: string, data?: Record<string, unknown>): void
  /** Something failed. Sent at once. */
  error(message: string, data?: Record<string, unknown>): void
  /** A log line with a name of its own, to be found again: `event('early-stop', 'no progress for 10 epochs')`. */
  event(eventType: string, message: string, options?: { level?: LogLevel; data?: Record<string, unknown> }): void
}

/** Keeps the best value seen. */
export interface BestTracker {
  /**
   * True when `value` beats what was seen before under this name. Which way is better: `goal`, else the manifest's
   * primary metric, else lower for names with "loss" or "error", higher for others. NaN is never best.
   */
  (name: string, value: number, options?: { goal?: MetricGoal }): boolean
  /** The best value of the name that was asked for first; NaN before that. */
  readonly value: number
  /** The epoch in which it was seen. */
  readonly epoch: number | undefined
}

/** One image of a classification dataset. */
export interface Sample {
  /** Absolute path; the file may be shared with other jobs and is read-only. */
  path: string
  /** The image's path inside the dataset. */
  name: string
  /** Id of its class. */
  classId: number
  split: SplitName
}

/** The labelled images of a classification dataset. */
export interface SampleIndex {
  classes: DatasetClass[]
  samples: Sample[]
}

/** A dataset on this machine, in the format that was asked for. */
export interface FetchedDataset {
  /**
   * Read-only where it is shared with other jobs of the machine, which is the rule on a platform; `imagefolder`:
   * `dir/{split}/{class}/{image}`.
   */
  dir: string
  classes: DatasetClass[]
  /** Splits that hold images. */
  splits: SplitName[]
  counts: DatasetCounts
}

/** In which format a dataset is wanted. */
export interface FetchOptions {
  /** `yolo` for Ultralytics and its kin (`data.yaml` in the folder), `imagefolder` for classifiers, and so on. */
  as: DatasetFormat
  /**
   * A copy of its own in the work folder, for a trainer that writes among the files. Costs the time and the bytes of a
   * conversion in every job. Default false: what the cache holds, read-only.
   */
  own?: boolean
}

/** The job's dataset: downloaded once a machine, then taken from the cache. */
export interface JobDataset {
  /** Downloads, checks and converts the dataset. Throws `DatasetError` when it cannot be used. */
  fetch(options: FetchOptions): Promise<FetchedDataset>
  /** The labelled images of a classification dataset, none of them copied: paths point into the read-only cache. */
  samples(): Promise<SampleIndex>
}

/** A checkpoint that was downloaded and verified. */
export interface CheckpointFile {
  /** Where the checkpoint now lies: a folder when a folder was saved. */
  path: string
  name: string
  sizeBytes: number
  /** There when an earlier attempt of this job saved it: go on behind its epoch. Else it is what to start from. */
  resume?: { attempt: number; epoch?: number | undefined }
}

/** What every handler gets. */
export interface JobBase {
  /** 0 in local mode. */
  readonly id: number
  readonly attempt: number
  readonly operation: Operation
  readonly taskType: TaskType
  readonly framework: string
  /** Name of the model to train: one of the manifest's. */
  readonly model: string
  readonly traceId: string
  /** Whether there is no platform: artifacts stay under `./runs/{n}`. */
  readonly isLocal: boolean
  readonly manifest: TrainerManifest | undefined
  readonly config: ResolvedConfig
  /** Aborts with a {@link JobStoppedError} on cancel. Check it between steps: `job.signal.throwIfAborted()`. */
  readonly signal: AbortSignal
  /** Writable and private to this attempt; removed after it. */
  readonly workDir: string
  readonly log: JobLog
  readonly dataset: JobDataset
  readonly inputs: {
    /** Downloads the checkpoint to resume from, predict with or export. Throws `CheckpointError` when there is none. */
    checkpoint(): Promise<CheckpointFile>
    /** The same, or undefined when the job was given none. */
    findCheckpoint(): Promise<CheckpointFile | undefined>
  }
  /**
   * Says how far the job is. Synchronous and cheap. A NaN among the metrics whose name holds "loss" throws
   * `ValidationError` unless the trainer was defined with `allowNaN`.
   */
  progress(progress: Progress): void
  /** Uploads a file (a folder as a tar) and tells the platform of it. */
  artifact(kind: ArtifactKind, file: string, options?: ArtifactOptions): Promise<UploadedArtifact>
}

/** What the handler `train` gets. */
export interface TrainJob extends JobBase {
  readonly operation: 'train'
  readonly best: BestTracker
  /** Reports a validation. Synchronous and cheap, kept even when there is no room for other metrics. */
  validation(validation: Validation): void
  /** Uploads a checkpoint and tells of it; resolves when the platform holds it. `name` is "best", "last", or your own. */
  checkpoint(name: string, file: string, options?: CheckpointOptions): Promise<UploadedArtifact>
}

/** An image to look at. */
export interface PredictImage {
  /** Its path inside the dataset or folder. */
  name: string
  /** Absolute path of the file. */
  path: string
}

/** What the handler `predict` gets. */
export interface PredictJob extends JobBase {
  readonly operation: 'predict'
  /** The images to look at: the `test` split of the job's dataset, else all of it; locally the folder `--images`. */
  images(): Promise<PredictImage[]>
  /** What was found in one image. A classifier gives objects without a box. */
  predictions(imageName: string, objects: PredictedObject[], options?: { inferenceTimeMs?: number }): void
}

/** What the handler `export` gets. */
export interface ExportJob extends JobBase {
  readonly operation: 'export'
  /** The format to write. */
  readonly exportFormat: ExportFormat
}

/** What a training may return; the job is `completed` with it. */
export interface TrainOutcome {
  /** Final metrics. */
  metrics?: MetricNumbers
  /** Default: the epoch in which `job.best` saw its best value. */
  bestEpoch?: number
}

/** What a prediction may return. */
export interface PredictOutcome {
  /** Default: images that were given to `job.predictions`. */
  imageCount?: number
  /** Id of an artifact with all predictions. Default: the last one of kind "prediction". */
  artifactId?: string
}

/** What an export may return. */
export interface ExportOutcome {
  /** Default: the last artifact of kind "export". */
  artifactId?: string
  metadata?: Record<string, unknown>
}
