import type { Job } from '@trainyard/contract'
import type { Caller } from '@trainyard/platform'
import type { JobProgress, JobRow } from '../db/schema/jobs.ts'
import { isTerminalJobState } from './statuses.ts'

/** The public view of a job. */
export function toJob(row: JobRow): Job {
  const { manifest } = row.trainer
  const { dataset_id: id, snapshot_id: snapshotId, version_hash: versionHash } = row
  const dataset =
    id !== null && snapshotId !== null && versionHash !== null
      ? { id, name: row.dataset_name ?? id, snapshotId, versionHash }
      : undefined
  return {
    id: row.id,
    state: row.state,
    attempt: row.attempt,
    operation: row.operation,
    taskType: row.task_type,
    trainer: {
      name: row.trainer.name,
      version: row.trainer.version,
      displayName: manifest.displayName,
      digest: row.trainer.digest,
      framework: manifest.framework,
    },
    model: row.model,
    config: row.config,
    primaryMetric: row.primary_metric,
    progress: { ...row.progress, fraction: fractionDone(row) },
    latestMetrics: row.latest_metrics,
    cancelRequested: row.cancel_requested_at !== null,
    queue: row.queue,
    priority: row.priority,
    maxRetries: row.max_retries,
    traceId: row.trace_id,
    createdAt: row.created_at.toISOString(),
    name: row.name ?? undefined,
    endReason: row.end_reason ?? undefined,
    error: row.error ?? undefined,
    isolationWarning: row.isolation_warning ?? undefined,
    dataset,
    result: row.result ?? undefined,
    queuedAt: row.queued_at?.toISOString(),
    startedAt: row.started_at?.toISOString(),
    finishedAt: row.finished_at?.toISOString(),
    lastHeardAt: row.last_heard_at?.toISOString(),
  }
}

/** The same with the name of the project, if the caller can see it. */
export function toJobFor(caller: Pick<Caller, 'projects'>, row: JobRow): Job {
  const project = caller.projects.find(({ id }) => id === row.project_id)?.name
  return { ...toJob(row), project }
}

function fractionDone(row: JobRow): number {
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
