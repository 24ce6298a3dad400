import type {
  ArtifactKind,
  EndReason,
  JobConfig,
  JobError,
  JobState,
  LogLevel,
  LogLine,
  MetricAxis,
  MetricGoal,
  MetricValue,
  Operation,
  OperationResult,
  ResolvedTrainer,
  StopReason,
  TaskType,
} from '@trainyard/contract'
import type { ColumnType, Generated, Selectable } from 'kysely'
import type { CacheFillsTable } from '../dataset-cache/tables.ts'
import type { DatasetTables } from '../datasets/tables.ts'
import type { EventChunksTable } from '../journal/tables.ts'
import type { OutputPosition } from '../launchers/launcher.ts'
import type { ObservabilityTables } from '../observability/tables.ts'

/** JSON columns are read as values and written as JSON text. */
type Json<T> = ColumnType<T, string, string>
/** A column with a default in the database. */
type Timestamp = ColumnType<Date, Date | undefined, Date>

export interface JobProgress {
  epoch?: number
  totalEpochs?: number
  step?: number
  totalSteps?: number
  phase?: string
}

export interface JobsTable {
  id: Generated<number>
  project_id: string
  name: string | null
  state: JobState
  attempt: number
  end_reason: EndReason | null
  error: Json<JobError> | null
  operation: Operation
  task_type: TaskType
  trainer_name: string
  trainer: Json<ResolvedTrainer>
  model: string
  dataset_id: string | null
  dataset_name: string | null
  snapshot_id: string | null
  version_hash: string | null
  /** The job's own split of the snapshot's images. */
  split_id: string | null
  config: Json<JobConfig>
  checkpoint_id: string | null
  export_format: string | null
  primary_metric: Json<{ name: string; goal: MetricGoal }>
  progress: Json<JobProgress>
  latest_metrics: Json<Record<string, MetricValue>>
  result: Json<OperationResult> | null
  queue: Generated<string>
  /** Devices that it needs. */
  gpus: Generated<number>
  priority: number
  max_retries: number
  counted_retries: Generated<number>
  free_retries: Generated<number>
  deadline_seconds: number | null
  /** Checkpoints of attempts before this one are not resumed from. */
  fresh_from: Generated<number>
  idempotency_key: string | null
  request_hash: string
  trace_id: string
  cancel_requested_at: Date | null
  /** Not before this a pending job is queued: the pause before a retry. */
  run_after: Date | null
  lease_owner: string | null
  lease_expires_at: Date | null
  created_at: Timestamp
  queued_at: Date | null
  started_at: Date | null
  finished_at: Date | null
  last_heard_at: Date | null
}
export type JobRow = Selectable<JobsTable>

/** Which of the two ways of reporting an attempt uses; they cannot be mixed. */
export type AttemptChannel = 'journal' | 'simple'

export interface AttemptsTable {
  job_id: number
  attempt: number
  /** Highest number of the journal that is held. */
  last_seq: Generated<number>
  channel: AttemptChannel | null
  launcher: string | null
  host: string | null
  launched_at: Date | null
  /** When its process was first seen to run: waiting for a node or an image is over. */
  running_since: Date | null
  /** When the token in its file was issued. */
  token_issued_at: Date | null
  heard_at: Date | null
  last_heard_at: Date | null
  stop_reason: StopReason | null
  stop_requested_at: Date | null
  closed_at: Date | null
  end_reason: EndReason | null
  error: Json<JobError> | null
  exit_code: number | null
  signal: string | null
  output_position: Json<OutputPosition>
  log_lines: Generated<number>
  dropped_lines: Generated<number>
  /** The process is gone, its output is read, its folder is deleted. */
  cleaned_at: Date | null
  created_at: Timestamp
}
export type AttemptRow = Selectable<AttemptsTable>

export interface EventsTable {
  job_id: number
  attempt: number
  seq: number
  type: string
  time: Date | null
  received_at: Timestamp
  body: Json<Record<string, unknown>>
  rejected: Json<{ path: string; detail: string }> | null
}

export interface MetricsTable {
  job_id: number
  attempt: number
  name: string
  axis: MetricAxis
  step: number
  /** NaN and the infinities are kept as such. */
  value: number
  time: Date
}

/** The extremes of consecutive points of a series, from `from_step` to `to_step`; derived from `metrics`, and never in its place. */
export interface MetricBlocksTable {
  job_id: number
  attempt: number
  name: string
  from_step: number
  to_step: number
  count: number
  low_step: number | null
  low_value: number | null
  low_time: Date | null
  high_step: number | null
  high_value: number | null
  high_time: Date | null
  nan_step: number | null
  nan_time: Date | null
}

export interface LogsTable {
  id: ColumnType<number, never, never>
  job_id: number
  attempt: number
  time: Date
  level: LogLevel
  source: LogLine['source']
  message: string
}

export interface ArtifactsTable {
  id: string
  job_id: number
  attempt: number
  kind: ArtifactKind
  name: string
  size_bytes: number
  sha256: string
  content_type: string
  epoch: number | null
  metadata: Json<Record<string, unknown>> | null
  storage_key: string
  upload_id: string | null
  /** Order in the live stream, drawn from the same sequence as log lines; set when the artifact is complete. */
  position: number | null
  created_at: Timestamp
  completed_at: Date | null
}
export type ArtifactRow = Selectable<ArtifactsTable>

/** One row: tells this database from any other that uses the same folders. */
export interface InstanceTable {
  id: string
}

export interface RunnerTables {
  instance: InstanceTable
  jobs: JobsTable
  attempts: AttemptsTable
  events: EventsTable
  event_chunks: EventChunksTable
  metrics: MetricsTable
  metric_blocks: MetricBlocksTable
  logs: LogsTable
  artifacts: ArtifactsTable
  cache_fills: CacheFillsTable
}

export type RunnerDatabase = RunnerTables & DatasetTables & ObservabilityTables
