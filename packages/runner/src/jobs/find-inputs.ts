import type { CreateJobRequest, FieldIssue, TaskType } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { createSnapshot, findVersion, type Snapshot } from '../datasets/index.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'

const NO_DATASET = 'must be the id of a registered dataset, with or without the number of a version: ds_…@2'

type DatasetTask = { task_type: TaskType }

export async function findCheckpoint(
  context: RunnerContext,
  projectId: string,
  request: CreateJobRequest,
  issues: FieldIssue[],
): Promise<ArtifactRow | undefined> {
  if (request.checkpoint === undefined) {
    if (request.operation !== 'train')
      issues.push({
        path: 'checkpoint',
        detail: `is required to ${request.operation}: expected the id of a checkpoint artifact`,
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

export async function findDataset(
  context: RunnerContext,
  projectId: string,
  request: CreateJobRequest,
  issues: FieldIssue[],
): Promise<DatasetTask | undefined> {
  if (request.dataset === undefined) return undefined
  const row = await findVersion(context.database.db, request.dataset).catch((error: unknown) => {
    if (error instanceof TrainyardError && error.code === 'not_found') return undefined
    throw error
  })
  const found = row?.project_id === projectId ? row : undefined
  if (found === undefined) issues.push({ path: 'dataset', detail: NO_DATASET, value: request.dataset })
  return found
}

/** The task of the dataset when it is trained on; otherwise the task of the job that created the checkpoint. */
export async function findInputTask(
  context: RunnerContext,
  request: CreateJobRequest,
  { dataset, checkpoint }: { dataset: DatasetTask | undefined; checkpoint: ArtifactRow | undefined },
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

export async function takeSnapshot(
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
    issues.push({ path: 'dataset', detail: NO_DATASET, value: request.dataset })
    return undefined
  }
}

/** Prevents deletion of the dataset and of its snapshot until the transaction that creates the job ends. */
export async function holdSnapshot(trx: Transaction<RunnerDatabase>, snapshot: Snapshot): Promise<void> {
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
