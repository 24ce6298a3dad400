import type {
  EndReason,
  JobConfig,
  JobError,
  JobState,
  MetricGoal,
  MetricValue,
  Operation,
  OperationResult,
  ResolvedTrainer,
  TaskType,
} from '@trainyard/contract'
import type { Generated, Selectable } from 'kysely'
import type { Json, Timestamp } from '../columns.ts'

/** A job keeps the last values of its primary metric and of the metrics that it reported first. Other rows hold all of them. */
export const MAX_LATEST_METRICS = 100

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
  dataset_version: Generated<number | null>
  dataset_name: string | null
  snapshot_id: string | null
  version_hash: string | null
  /** The job's own split of the snapshot's images. */
  split_id: string | null
  config: Json<JobConfig>
  checkpoint_id: string | null
  export_format: string | null
  /** Whether the job predicts pictures that people send, and takes more of them. Null for all other jobs. */
  pictures: 'open' | 'closed' | null
  /** The last event of the attempt whose predictions were stored with their pictures. */
  pictures_seq: Generated<number>
  primary_metric: Json<{ name: string; goal: MetricGoal }>
  progress: Json<JobProgress>
  /** At most {@link MAX_LATEST_METRICS}. */
  latest_metrics: Json<Record<string, MetricValue>>
  /** Number of names of metrics over all attempts. */
  metric_names: Generated<number>
  result: Json<OperationResult> | null
  queue: Generated<string>
  /** Number of devices that the job needs. */
  gpus: Generated<number>
  priority: number
  max_retries: number
  counted_retries: Generated<number>
  free_retries: Generated<number>
  deadline_seconds: number | null
  /** The first attempt whose checkpoints can be resumed from. */
  fresh_from: Generated<number>
  idempotency_key: string | null
  request_hash: string
  trace_id: string
  /** The submitter's span in that trace. Null: the trace begins with the job. */
  trace_parent_id: Generated<string | null>
  /** The subject of the caller, as in the audit log. Null for jobs from before this was recorded. */
  created_by: Generated<string | null>
  created_by_name: Generated<string | null>
  /** Since when an operator keeps the job in its queue. */
  held_at: Date | null
  /** What weakened the isolation of the last attempt. */
  isolation_warning: string | null
  cancel_requested_at: Date | null
  /** Earliest time at which a pending job is queued: the end of the pause before a retry. */
  run_after: Date | null
  /** The last attempt whose run was stated to the registry. */
  reported_attempt: Generated<number>
  lease_owner: string | null
  lease_expires_at: Date | null
  created_at: Timestamp
  queued_at: Date | null
  started_at: Date | null
  finished_at: Date | null
  last_heard_at: Date | null
}

export type JobRow = Selectable<JobsTable>
