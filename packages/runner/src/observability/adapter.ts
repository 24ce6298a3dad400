import type { ArtifactKind, EndReason, JobState, LogLevel, LogLine, MetricAxis } from '@trainyard/contract'

/** All backends. `loki` and `otlp` are enabled by an address, the others by name. */
export const BACKENDS = ['database', 'mlflow', 'clearml', 'tensorboard', 'loki', 'otlp'] as const
export type BackendName = (typeof BACKENDS)[number]

/** Identifies an experiment in its backend. Plain data, stored in the database and passed to every call. */
export type Handle = Readonly<Record<string, string | number | boolean>>

/** One attempt of a job, as an experiment. */
export interface ExperimentInfo {
  /** Unique among all runners. The same key is the same experiment. */
  key: string
  jobId: number
  attempt: number
  name: string
  trainer: { name: string; version: string; digest: string; framework: string }
  operation: string
  taskType: string
  model: string
  dataset?: { id: string; name: string; versionHash: string } | undefined
  /** The configuration, flattened. */
  params: Readonly<Record<string, string | number | boolean>>
  traceId: string
  /** The submitter's span, in which the job is. Undefined: the trace begins with the job. */
  traceParentId?: string | undefined
  /** The job's page. */
  jobUrl: string
  createdAt: Date
  queuedAt?: Date | undefined
  launchedAt?: Date | undefined
  /** When the trainer sent its first request. */
  heardAt?: Date | undefined
}

export interface Point {
  /** Sequence number of its event. */
  seq: number
  name: string
  axis: MetricAxis
  step: number
  /** Can be NaN or infinite. */
  value: number
  time: Date
}

export interface ArtifactInfo {
  id: string
  kind: ArtifactKind
  name: string
  sizeBytes: number
  sha256: string
  contentType: string
  createdAt: Date
  /** A link for people. Needs no signature. */
  url: string
  read(): Promise<AsyncIterable<Uint8Array>>
}

export interface Line {
  /** Increases within a job. */
  id: number
  level: LogLevel
  source: LogLine['source']
  message: string
  time: Date
}

export interface ExperimentEnd {
  /** The attempt's state, not the job's: an attempt that is retried has failed. */
  state: Extract<JobState, 'succeeded' | 'failed' | 'cancelled'>
  reason: EndReason
  message?: string | undefined
  finishedAt: Date
}

/**
 * Sends one attempt to one backend. The feed calls `start` until it succeeds, then the other methods in order. For an attempt,
 * it makes one call at a time and each call at least once: after a crash, the last call is repeated with the same content. A
 * call can return a new handle, which is stored together with the feed's position.
 *
 * A method throws {@link BackendRefused} if a retry cannot succeed, and any other error if it can.
 */
export interface ObservabilityAdapter {
  readonly name: BackendName
  /** What the backend stores. The feed does not read anything else. */
  readonly takes: { metrics: boolean; artifacts: boolean; lines: boolean }
  /** Opens the experiment with this key, or finds it if it exists. */
  start(info: ExperimentInfo, signal: AbortSignal): Promise<Handle>
  logParams(handle: Handle, info: ExperimentInfo, signal: AbortSignal): Promise<Handle | undefined>
  logMetrics(handle: Handle, points: readonly Point[], signal: AbortSignal): Promise<Handle | undefined>
  logArtifact(handle: Handle, artifact: ArtifactInfo, signal: AbortSignal): Promise<Handle | undefined>
  logLines(
    handle: Handle,
    lines: readonly Line[],
    info: ExperimentInfo,
    signal: AbortSignal,
  ): Promise<Handle | undefined>
  finish(handle: Handle, end: ExperimentEnd, info: ExperimentInfo, signal: AbortSignal): Promise<Handle | undefined>
  /** The experiment's page in the backend. Undefined: it has no page. */
  link(handle: Handle): string | undefined
  close?(): Promise<void>
}

/** Thrown when a backend permanently refuses a request. The feed counts the content as dropped and continues. */
export class BackendRefused extends Error {
  readonly code = 'backend_refused'
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BackendRefused'
  }
}
