import { createHash } from 'node:crypto'
import {
  type CreateJobRequest,
  DEFAULT_PRIMARY_METRIC,
  DEFAULT_QUEUE,
  type FieldIssue,
  type Job,
  type JobConfig,
  type ResolvedTrainer,
  type TaskType,
  type TrainerManifest,
} from '@trainyard/contract'
import { type Caller, newTraceId, TrainyardError } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import { auditJob } from '../auth/audit.ts'
import { chooseJobProject } from '../auth/choose-job-project.ts'
import { DEFAULT_QUEUES } from '../config/queues.ts'
import type { RunnerContext } from '../context.ts'
import { createSnapshot, createSplit, type Snapshot } from '../datasets/index.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { toJobFor } from './job-view.ts'
import { validateConfig } from './validate-config.ts'

export interface CreatedJob {
  job: Job
  /** False when the idempotency key had made it before. */
  created: boolean
}

/** Checks a request against the trainer that it names, and queues a job. Nothing is written unless all of it is right. */
export async function createJob(
  context: RunnerContext,
  caller: Caller,
  request: CreateJobRequest,
): Promise<CreatedJob> {
  const projectId = await chooseJobProject(context, caller, request)
  const requestHash = hashOf(request)
  const known = await findByKey(context, caller, projectId, request, requestHash)
  if (known !== undefined) return { job: known, created: false }

  const trainer = await resolveTrainer(context, request.trainer)
  const issues: FieldIssue[] = []
  const checkpoint = await findCheckpoint(context, projectId, request, issues)
  const config = checkRequest(trainer.manifest, request, issues)
  const queue = chooseQueue(context, request, issues)
  const dataset = await findDataset(context, projectId, request, issues)
  const inputTask = await taskOf(context, request, dataset, checkpoint)
  const { model, taskType } = chooseModel(trainer.manifest, request, inputTask, issues)
  const snapshot = issues.length === 0 ? await takeSnapshot(context, projectId, request, issues) : undefined
  const splitId =
    snapshot !== undefined && request.split !== undefined ? await createSplit(context, snapshot, request.split) : null
  if (issues.length > 0 || config === undefined || model === undefined) throw unprocessable(issues)

  const now = context.clock.now()
  const row = await context.database.transaction(async (trx) => {
    if (snapshot !== undefined) await holdSnapshot(trx, snapshot)
    const inserted = await trx
      .insertInto('jobs')
      .values({
        project_id: projectId,
        name: request.name ?? null,
        state: 'queued',
        attempt: 1,
        operation: request.operation,
        task_type: taskType,
        trainer_name: trainer.name,
        trainer: JSON.stringify(trainer),
        model,
        dataset_id: snapshot?.datasetId ?? null,
        dataset_name: snapshot?.name ?? null,
        snapshot_id: snapshot?.id ?? null,
        version_hash: snapshot?.versionHash ?? null,
        split_id: splitId,
        config: JSON.stringify(config),
        checkpoint_id: request.checkpoint ?? null,
        export_format: request.exportFormat ?? null,
        primary_metric: JSON.stringify(trainer.manifest.metrics.primary[taskType] ?? DEFAULT_PRIMARY_METRIC[taskType]),
        progress: '{}',
        latest_metrics: '{}',
        queue,
        gpus: trainer.manifest.resources.gpu ?? 0,
        priority: request.priority,
        max_retries: request.maxRetries,
        deadline_seconds: request.deadlineSeconds ?? null,
        idempotency_key: request.idempotencyKey ?? null,
        request_hash: requestHash,
        trace_id: newTraceId(),
        created_at: now,
        queued_at: now,
      })
      .onConflict((conflict) => conflict.columns(['project_id', 'idempotency_key']).doNothing())
      .returningAll()
      .executeTakeFirst()
    if (inserted === undefined) return undefined
    await trx
      .insertInto('attempts')
      .values({ job_id: inserted.id, attempt: 1, output_position: '{"stdout":0,"stderr":0}', created_at: now })
      .execute()
    await auditJob(context.identity, trx, caller, {
      ...{ action: 'job.create', job: inserted },
      data: { trainer: `${trainer.name}@${trainer.version}`, operation: request.operation },
    })
    return inserted
  })
  if (row === undefined) {
    // The same key came twice at the same time; the other request won.
    const other = await findByKey(context, caller, projectId, request, requestHash)
    if (other !== undefined) return { job: other, created: false }
    throw new TrainyardError('conflict', `The job of idempotency key "${request.idempotencyKey}" has just been deleted`)
  }
  context.hub.changed(row.id)
  context.hub.wake()
  return { job: toJobFor(caller, row), created: true }
}

/** The project is left out: a key is looked for in one project alone, whether it was named or chosen. */
function hashOf({ project: _project, ...request }: CreateJobRequest): string {
  const sorted = JSON.stringify(request, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  return createHash('sha256').update(sorted).digest('hex')
}

async function findByKey(
  context: RunnerContext,
  caller: Caller,
  projectId: string,
  request: CreateJobRequest,
  hash: string,
): Promise<Job | undefined> {
  if (request.idempotencyKey === undefined) return undefined
  const row = await context.database.db
    .selectFrom('jobs')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('idempotency_key', '=', request.idempotencyKey)
    .executeTakeFirst()
  if (row === undefined) return undefined
  if (row.request_hash !== hash)
    throw new TrainyardError('conflict', `idempotencyKey "${request.idempotencyKey}" was used for another request`, {
      issues: [{ path: 'idempotencyKey', detail: `must be new: job ${row.id} has it`, value: request.idempotencyKey }],
    })
  return toJobFor(caller, row)
}

/** Errors of the source keep their words; they are given the field that they are about. */
async function resolveTrainer(context: RunnerContext, reference: string): Promise<ResolvedTrainer> {
  try {
    return await context.trainers.resolve(reference)
  } catch (error) {
    const known = error instanceof TrainyardError && (error.code === 'not_found' || error.code === 'unprocessable')
    if (!known || error.issues?.some((issue) => issue.path === 'trainer')) throw error
    throw new TrainyardError(error.code, error.detail, {
      issues: [{ path: 'trainer', detail: error.detail, value: reference }],
      cause: error,
    })
  }
}

async function findCheckpoint(
  context: RunnerContext,
  projectId: string,
  request: CreateJobRequest,
  issues: FieldIssue[],
): Promise<ArtifactRow | undefined> {
  if (request.checkpoint === undefined) {
    if (request.operation !== 'train')
      issues.push({
        path: 'checkpoint',
        detail: `is required to ${request.operation}: the id of a checkpoint artifact`,
      })
    return undefined
  }
  const row = await context.database.db
    .selectFrom('artifacts')
    .innerJoin('jobs', 'jobs.id', 'artifacts.job_id')
    .selectAll('artifacts')
    .where('artifacts.id', '=', request.checkpoint)
    .where('completed_at', 'is not', null)
    .where('jobs.project_id', '=', projectId)
    .executeTakeFirst()
  if (row === undefined)
    issues.push({ path: 'checkpoint', detail: 'must be the id of an artifact that exists', value: request.checkpoint })
  return row
}

function checkRequest(
  manifest: TrainerManifest,
  request: CreateJobRequest,
  issues: FieldIssue[],
): JobConfig | undefined {
  if (manifest.entrypoints[request.operation] === undefined) {
    const known = (['train', 'predict', 'export'] as const).filter((name) => manifest.entrypoints[name] !== undefined)
    issues.push({
      path: 'operation',
      detail: `must be one that ${manifest.name} can do: ${known.join(', ')}`,
      value: request.operation,
    })
  }
  if (request.operation !== 'export' && request.dataset === undefined)
    issues.push({ path: 'dataset', detail: `is required to ${request.operation}: the id of a registered dataset` })
  if (request.split !== undefined && request.operation !== 'train')
    issues.push({ path: 'split', detail: `is of no use to ${request.operation}: leave it out` })
  if (request.operation === 'export') {
    const formats: readonly string[] = manifest.exportFormats
    if (request.exportFormat === undefined || !formats.includes(request.exportFormat))
      issues.push({
        path: 'exportFormat',
        detail: `must be one that ${manifest.name} can write: ${formats.join(', ') || 'none'}`,
        ...(request.exportFormat === undefined ? {} : { value: request.exportFormat }),
      })
  }
  const outcome = validateConfig(manifest, request.config, request.preset)
  if (outcome.valid) return outcome.config
  issues.push(...outcome.issues)
  return undefined
}

function chooseQueue(context: RunnerContext, request: CreateJobRequest, issues: FieldIssue[]): string {
  const names = Object.keys(context.config.queues ?? DEFAULT_QUEUES)
  const queue = request.queue ?? (names.includes(DEFAULT_QUEUE) ? DEFAULT_QUEUE : (names[0] ?? DEFAULT_QUEUE))
  if (!names.includes(queue))
    issues.push({ path: 'queue', detail: `must be one of the queues here: ${names.join(', ')}`, value: queue })
  return queue
}

/** Looked for whatever else is wrong: a person should hear of everything at once. */
async function findDataset(
  context: RunnerContext,
  projectId: string,
  request: CreateJobRequest,
  issues: FieldIssue[],
): Promise<{ task_type: TaskType } | undefined> {
  if (request.dataset === undefined) return undefined
  const row = await context.database.db
    .selectFrom('datasets')
    .select('task_type')
    .where('id', '=', request.dataset)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  if (row === undefined)
    issues.push({ path: 'dataset', detail: 'must be the id of a registered dataset', value: request.dataset })
  return row
}

/** Nobody deletes the dataset, or collects its snapshot, between here and the end of the transaction that makes the job. */
async function holdSnapshot(trx: Transaction<RunnerDatabase>, snapshot: Snapshot): Promise<void> {
  await trx.selectFrom('datasets').select('id').where('id', '=', snapshot.datasetId).forShare().execute()
  const held = await trx
    .selectFrom('dataset_snapshots')
    .select('id')
    .where('id', '=', snapshot.id)
    .forShare()
    .executeTakeFirst()
  if (held === undefined)
    throw new TrainyardError('conflict', `Dataset ${snapshot.datasetId} was deleted while the job was created`)
}

async function takeSnapshot(
  context: RunnerContext,
  projectId: string,
  request: CreateJobRequest,
  issues: FieldIssue[],
): Promise<Snapshot | undefined> {
  if (request.dataset === undefined) return undefined
  try {
    return await createSnapshot(context, request.dataset, projectId)
  } catch (error) {
    if (!(error instanceof TrainyardError) || error.code !== 'not_found') throw error
    issues.push({ path: 'dataset', detail: 'must be the id of a registered dataset', value: request.dataset })
    return undefined
  }
}

/** What the inputs are about: the dataset's task; of a checkpoint that is to be used, that of the job which made it. */
async function taskOf(
  context: RunnerContext,
  request: CreateJobRequest,
  dataset: { task_type: TaskType } | undefined,
  checkpoint: ArtifactRow | undefined,
): Promise<TaskType | undefined> {
  if (dataset !== undefined && (request.operation === 'train' || checkpoint === undefined)) return dataset.task_type
  if (checkpoint === undefined) return undefined
  const job = await context.database.db
    .selectFrom('jobs')
    .select('task_type')
    .where('id', '=', checkpoint.job_id)
    .executeTakeFirst()
  return job?.task_type
}

function chooseModel(
  manifest: TrainerManifest,
  request: CreateJobRequest,
  inputTask: TaskType | undefined,
  issues: FieldIssue[],
): { model: string | undefined; taskType: TaskType } {
  const fallback = manifest.taskTypes[0] ?? 'detection'
  const taskType = request.taskType ?? inputTask ?? fallback
  if (!manifest.taskTypes.includes(taskType)) {
    issues.push({
      path: request.taskType === undefined && inputTask !== undefined ? 'dataset' : 'taskType',
      detail: `must be of a task that ${manifest.name} can do: ${manifest.taskTypes.join(', ')}`,
      value: taskType,
    })
    return { model: undefined, taskType }
  }
  const fitting = manifest.models.filter((model) => model.taskTypes.includes(taskType)).map((model) => model.name)
  if (request.model === undefined) {
    if (fitting[0] === undefined)
      issues.push({ path: 'trainer', detail: `has no model for ${taskType}`, value: request.trainer })
    return { model: fitting[0], taskType }
  }
  if (fitting.includes(request.model)) return { model: request.model, taskType }
  issues.push({
    path: 'model',
    detail: `must be one of the models for ${taskType}: ${fitting.join(', ') || 'none'}`,
    value: request.model,
  })
  return { model: undefined, taskType }
}

function unprocessable(issues: FieldIssue[]): TrainyardError {
  const [first] = issues
  const sentence = first === undefined ? 'The job cannot be created' : `${first.path} ${first.detail}`
  return new TrainyardError('unprocessable', sentence, { issues })
}
