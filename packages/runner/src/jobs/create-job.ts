import {
  type CreateJobRequest,
  DEFAULT_PRIMARY_METRIC,
  type FieldIssue,
  type Job,
  type JobConfig,
} from '@trainyard/contract'
import { type Caller, newTraceId, TrainyardError } from '@trainyard/platform'
import { auditJob } from '../auth/audit.ts'
import { chooseJobProject } from '../auth/choose-job-project.ts'
import type { RunnerContext } from '../context.ts'
import { createSplit, type Snapshot } from '../datasets/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { type ExaminedRequest, examineRequest } from './examine-request.ts'
import { holdSnapshot, takeSnapshot } from './find-inputs.ts'
import { findByIdempotencyKey, hashRequest } from './idempotency.ts'
import { toJobFor } from './job-view.ts'
import { openFirstAttempt } from './open-attempt.ts'

export interface CreatedJob {
  job: Job
  /** False when an earlier request with the same idempotency key created the job. */
  created: boolean
}

/** Checks a request against its trainer and queues a job. Writes nothing unless the whole request is valid. */
export async function createJob(
  context: RunnerContext,
  caller: Caller,
  request: CreateJobRequest,
  trace?: SubmitterTrace,
): Promise<CreatedJob> {
  const projectId = await chooseJobProject(context, caller, request)
  return await createJobInProject(context, caller, { projectId, request, trace })
}

/** The trace of the request that submits a job. The job goes on with it. */
export interface SubmitterTrace {
  traceId: string
  /** The submitter's own span. Undefined: the request named none. */
  parentId: string | undefined
}

export interface NewJobOptions {
  projectId: string
  request: CreateJobRequest
  /** Predicts pictures that people send while it runs, instead of a dataset. */
  takesPictures?: boolean | undefined
  /** Default: a new trace. */
  trace?: SubmitterTrace | undefined
}

/** {@link createJob} in a project in which the caller is known to be allowed to create jobs. */
export async function createJobInProject(
  context: RunnerContext,
  caller: Caller,
  options: NewJobOptions,
): Promise<CreatedJob> {
  const { projectId, request } = options
  const requestHash = hashRequest(request)
  const known = await findByIdempotencyKey(context, caller, { projectId, request, requestHash })
  if (known !== undefined) return { job: known, created: false }

  const checked = await checkAll(context, options)
  const row = await insertJob(context, caller, { ...checked, ...options, requestHash })
  if (row === undefined) {
    // A concurrent request with the same key was first.
    const other = await findByIdempotencyKey(context, caller, { projectId, request, requestHash })
    if (other !== undefined) return { job: other, created: false }
    throw new TrainyardError('conflict', `The job of idempotency key "${request.idempotencyKey}" was just deleted`)
  }
  context.hub.changed(row.id)
  context.hub.wake()
  return { job: toJobFor(caller, row), created: true }
}

interface CheckedRequest extends Omit<ExaminedRequest, 'issues'> {
  config: JobConfig
  model: string
  snapshot: Snapshot | undefined
  splitId: string | null
}

async function checkAll(context: RunnerContext, options: NewJobOptions): Promise<CheckedRequest> {
  const { projectId, request } = options
  const { issues, config, model, ...examined } = await examineRequest(context, projectId, request, options)
  const snapshot = issues.length === 0 ? await takeSnapshot(context, projectId, request, issues) : undefined
  const splitId =
    snapshot !== undefined && request.split !== undefined ? await createSplit(context, snapshot, request.split) : null
  if (issues.length > 0 || config === undefined || model === undefined) throw unprocessable(issues)
  return { ...examined, config, model, snapshot, splitId }
}

interface NewJob extends CheckedRequest, NewJobOptions {
  requestHash: string
}

/** Undefined when a job with the same idempotency key exists. */
async function insertJob(context: RunnerContext, caller: Caller, job: NewJob): Promise<JobRow | undefined> {
  const { trainer, snapshot, request, taskType } = job
  const now = context.clock.now()
  return await context.database.transaction(async (trx) => {
    if (snapshot !== undefined) await holdSnapshot(trx, snapshot)
    const row = await trx
      .insertInto('jobs')
      .values({
        project_id: job.projectId,
        name: request.name ?? null,
        state: 'queued',
        attempt: 1,
        operation: request.operation,
        task_type: taskType,
        trainer_name: trainer.name,
        trainer: JSON.stringify(trainer),
        model: job.model,
        dataset_id: snapshot?.datasetId ?? null,
        dataset_version: snapshot?.version ?? null,
        dataset_name: snapshot?.name ?? null,
        snapshot_id: snapshot?.id ?? null,
        version_hash: snapshot?.versionHash ?? null,
        split_id: job.splitId,
        config: JSON.stringify(job.config),
        checkpoint_id: request.checkpoint ?? null,
        export_format: request.exportFormat ?? null,
        pictures: job.takesPictures ? 'open' : null,
        primary_metric: JSON.stringify(trainer.manifest.metrics.primary[taskType] ?? DEFAULT_PRIMARY_METRIC[taskType]),
        progress: '{}',
        latest_metrics: '{}',
        queue: job.queue,
        gpus: trainer.manifest.resources.gpu ?? 0,
        priority: request.priority,
        max_retries: request.maxRetries,
        deadline_seconds: request.deadlineSeconds ?? null,
        idempotency_key: request.idempotencyKey ?? null,
        request_hash: job.requestHash,
        trace_id: job.trace?.traceId ?? newTraceId(),
        trace_parent_id: job.trace?.parentId ?? null,
        created_by: caller.subject,
        created_by_name: caller.account?.displayName ?? null,
        created_at: now,
        queued_at: now,
      })
      .onConflict((conflict) => conflict.columns(['project_id', 'idempotency_key']).doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return undefined
    await openFirstAttempt(trx, row, now)
    await auditJob(context.identity, trx, caller, {
      action: 'job.create',
      job: row,
      data: { trainer: `${trainer.name}@${trainer.version}`, operation: request.operation },
    })
    return row
  })
}

function unprocessable(issues: readonly FieldIssue[]): TrainyardError {
  const [first] = issues
  const detail = first === undefined ? 'The job cannot be created' : `${first.path} ${first.detail}`
  return new TrainyardError('unprocessable', detail, { issues: [...issues] })
}
