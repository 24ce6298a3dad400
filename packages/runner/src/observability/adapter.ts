import type { ArtifactKind, EndReason, JobState, LogLevel, LogLine, MetricAxis } from '@trainyard/contract'
import type { ExperimentHandle } from '../db/schema/experiments.ts'

/** The backends that there are. `loki` and `otlp` are switched on by an address, the others by name. */
export const BACKENDS = ['database', 'mlflow', 'clearml', 'tensorboard', 'loki', 'otlp'] as const
export type BackendName = (typeof BACKENDS)[number]

export type Handle = ExperimentHandle

/** One attempt of a job, as an experiment. */
export interface ExperimentInfo {
  /** Names this attempt among all runners: the same key is the same experiment. */
  key: string
  jobId: number
  attempt: number
  name: string
  trainer: { name: string; version: string; digest: string; framework: string }
  operation: string
  taskType: string
  model: string
  dataset?: { id: string; name: string; versionHash: string }
  /** Flat settings. */
  params: Readonly<Record<string, string | number | boolean>>
  traceId: string
  /** The page of the job, for people. */
  jobUrl: string
  createdAt: Date
  queuedAt?: Date
  launchedAt?: Date
  heardAt?: Date
}

export interface Point {
  /** Number of the event that it came in. */
  seq: number
  name: string
  axis: MetricAxis
  step: number
  /** NaN and the infinities too. */
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
  /** Where people find it; needs no signature. */
  url: string
  read(): Promise<AsyncIterable<Uint8Array>>
}

export interface Line {
  /** Grows within the job. */
  id: number
  level: LogLevel
  source: LogLine['source']
  message: string
  time: Date
}

export interface ExperimentEnd {
  /** Of the attempt, not of the job: an attempt that is tried again has failed. */
  state: Extract<JobState, 'succeeded' | 'failed' | 'cancelled'>
  reason: EndReason
  message?: string
  finishedAt: Date
}

/**
 * Tells one backend about one attempt. The feed calls `start` until it succeeds, then the others in order, one at a time
 * for an attempt, each at least once: after a crash the last call comes again with the same content. A call may return a
 * new handle, which is stored together with the position up to which the backend has everything.
 *
 * What can be tried again is thrown as any error; what never will work as {@link BackendRefused}.
 */
export interface ObservabilityAdapter {
  readonly name: BackendName
  /** What it takes; the rest is not even read. */
  readonly takes: { metrics: boolean; artifacts: boolean; lines: boolean }
  /** Opens the experiment of this key, or finds it when it is there already. */
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
  /** Where people look at it, if anywhere. */
  link(handle: Handle): string | undefined
  close?(): Promise<void>
}

/** Thrown when a backend says that it will never take this: the feed counts it as dropped and goes on. */
export class BackendRefused extends Error {
  readonly code = 'backend_refused'
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BackendRefused'
  }
}
