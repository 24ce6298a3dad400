import type { Job, JobSummary, MetricValue } from '@trainyard/contract'
import type { Caller } from '@trainyard/platform'
import type { JobProgress, JobRow } from '../db/schema/jobs.ts'
import { isTerminalJobState } from './statuses.ts'

/** The columns of a job that a list reads. What a trainer or a person can make large is left out. */
export const SUMMARY_COLUMNS = [
  'id',
  'project_id',
  'name',
  'state',
  'attempt',
  'end_reason',
  'operation',
  'task_type',
  'model',
  'dataset_id',
  'dataset_version',
  'dataset_name',
  'snapshot_id',
  'version_hash',
  'primary_metric',
  'progress',
  'queue',
  'priority',
  'max_retries',
  'trace_id',
  'created_by',
  'created_by_name',
  'cancel_requested_at',
  'created_at',
  'queued_at',
  'started_at',
  'finished_at',
  'last_heard_at',
  'isolation_warning',
] as const satisfies readonly (keyof JobRow)[]

/** A job in a list. */
export interface SummaryRow extends Pick<JobRow, (typeof SUMMARY_COLUMNS)[number]> {
  trainer: Job['trainer']
  /** Null when the job has not reported its primary metric. */
  primary_value: MetricValue | null
  error: NonNullable<JobSummary['error']> | null
  /** Null unless the list has details. */
  settings: NonNullable<JobSummary['settings']> | null
  metrics: JobSummary['latestMetrics'] | null
}

/** The public view of a job. */
export function toJob(row: JobRow): Job {
  const { name, version, digest, manifest, deprecation, trust } = row.trainer
  const { displayName, framework } = manifest
  return {
    ...commonOf(row, { name, version, displayName, digest, framework, deprecation, trust }),
    config: row.config,
    latestMetrics: row.latest_metrics,
    error: row.error ?? undefined,
    result: row.result ?? undefined,
  }
}

/** The public view of a job in a list, with the name of the project, if the caller can see it. */
export function toSummaryFor(caller: Pick<Caller, 'projects'>, row: SummaryRow): JobSummary {
  const value = row.primary_value
  return {
    ...commonOf(row, row.trainer),
    project: projectOf(caller, row),
    settings: row.settings ?? undefined,
    latestMetrics: row.metrics ?? (value === null ? {} : { [row.primary_metric.name]: value }),
    error: row.error ?? undefined,
  }
}

function commonOf(
  row: Pick<JobRow, (typeof SUMMARY_COLUMNS)[number]>,
  trainer: Job['trainer'],
): Omit<JobSummary, 'latestMetrics' | 'error'> {
  const { dataset_id: id, snapshot_id: snapshotId, version_hash: versionHash } = row
  const dataset =
    id !== null && snapshotId !== null && versionHash !== null
      ? { id, version: row.dataset_version ?? undefined, name: row.dataset_name ?? id, snapshotId, versionHash }
      : undefined
  return {
    id: row.id,
    state: row.state,
    attempt: row.attempt,
    operation: row.operation,
    taskType: row.task_type,
    trainer,
    model: row.model,
    primaryMetric: row.primary_metric,
    progress: { ...row.progress, fraction: fractionDone(row) },
    cancelRequested: row.cancel_requested_at !== null,
    queue: row.queue,
    priority: row.priority,
    maxRetries: row.max_retries,
    traceId: row.trace_id,
    createdBy: row.created_by === null ? undefined : { id: row.created_by, name: row.created_by_name ?? undefined },
    createdAt: row.created_at.toISOString(),
    name: row.name ?? undefined,
    endReason: row.end_reason ?? undefined,
    isolationWarning: row.isolation_warning ?? undefined,
    dataset,
    queuedAt: row.queued_at?.toISOString(),
    startedAt: row.started_at?.toISOString(),
    finishedAt: row.finished_at?.toISOString(),
    lastHeardAt: row.last_heard_at?.toISOString(),
  }
}

/** The same with the name of the project, if the caller can see it. */
export function toJobFor(caller: Pick<Caller, 'projects'>, row: JobRow): Job {
  return { ...toJob(row), project: projectOf(caller, row) }
}

function projectOf(caller: Pick<Caller, 'projects'>, row: Pick<JobRow, 'project_id'>): string | undefined {
  return caller.projects.find(({ id }) => id === row.project_id)?.name
}

function fractionDone(row: Pick<JobRow, 'state' | 'progress'>): number {
  if (row.state === 'succeeded') return 1
  const fraction = fractionOf(row.progress)
  // Only success counts as 1, because validation and uploads follow the last epoch.
  return isTerminalJobState(row.state) ? fraction : Math.min(fraction, 0.999)
}

/** The share of the work that is done, by steps or by epochs. The larger one is more recent. */
function fractionOf(progress: JobProgress): number {
  return Math.max(share(progress.step, progress.totalSteps), share(progress.epoch, progress.totalEpochs))
}

function share(done: number | undefined, total: number | undefined): number {
  if (done === undefined || total === undefined || total <= 0) return 0
  return Math.min(1, Math.max(0, done / total))
}
