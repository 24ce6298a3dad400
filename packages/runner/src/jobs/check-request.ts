import {
  type CreateJobRequest,
  DEFAULT_QUEUE,
  type FieldIssue,
  type JobConfig,
  type TaskType,
  type TrainerManifest,
} from '@trainyard/contract'
import { DEFAULT_QUEUES } from '../config/queues.ts'
import type { RunnerContext } from '../context.ts'
import { validateConfig } from './validate-config.ts'

/** Checks the operation, its inputs and the settings against the manifest. */
export async function checkRequest(
  manifest: TrainerManifest,
  request: CreateJobRequest,
  { issues, takesPictures }: { issues: FieldIssue[]; takesPictures: boolean },
): Promise<JobConfig | undefined> {
  const { operation } = request
  if (manifest.entrypoints[operation] === undefined) {
    const known = (['train', 'predict', 'export'] as const).filter((name) => manifest.entrypoints[name] !== undefined)
    issues.push({
      path: 'operation',
      detail: `must be an operation of ${manifest.name}: ${known.join(', ')}`,
      value: operation,
    })
  }
  if (operation !== 'export' && !takesPictures && request.dataset === undefined)
    issues.push({ path: 'dataset', detail: `is required to ${operation}: expected the id of a registered dataset` })
  if (request.split !== undefined && operation !== 'train')
    issues.push({ path: 'split', detail: `must be absent to ${operation}: only training uses a split` })
  if (operation === 'export') {
    const formats: readonly string[] = manifest.exportFormats
    if (request.exportFormat === undefined || !formats.includes(request.exportFormat))
      issues.push({
        path: 'exportFormat',
        detail: `must be a format that ${manifest.name} exports: ${formats.join(', ') || 'none'}`,
        value: request.exportFormat,
      })
  }
  const outcome = await validateConfig(manifest, request.config, request.preset)
  if (outcome.valid) return outcome.config
  issues.push(...outcome.issues)
  return undefined
}

export function chooseQueue(context: RunnerContext, request: CreateJobRequest, issues: FieldIssue[]): string {
  const names = Object.keys(context.config.queues ?? DEFAULT_QUEUES)
  const queue = request.queue ?? (names.includes(DEFAULT_QUEUE) ? DEFAULT_QUEUE : (names[0] ?? DEFAULT_QUEUE))
  if (!names.includes(queue)) issues.push({ path: 'queue', detail: `must be one of ${names.join(', ')}`, value: queue })
  return queue
}

/** The model is the requested one, else the first that fits the task. The task is the requested one, else that of the inputs. */
export function chooseModel(
  manifest: TrainerManifest,
  request: CreateJobRequest,
  inputTask: TaskType | undefined,
  issues: FieldIssue[],
): { model: string | undefined; taskType: TaskType } {
  const fallback = manifest.taskTypes[0] ?? 'detection'
  const taskType = request.taskType ?? inputTask ?? fallback
  if (!manifest.taskTypes.includes(taskType)) {
    const known = `${manifest.name}: ${manifest.taskTypes.join(', ')}`
    issues.push(
      request.taskType === undefined && inputTask !== undefined
        ? { path: 'dataset', detail: `must have a task of ${known}`, value: taskType }
        : { path: 'taskType', detail: `must be a task of ${known}`, value: taskType },
    )
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
