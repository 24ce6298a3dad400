import type { CreateJobRequest, FieldIssue, JobConfig, ResolvedTrainer, TaskType } from '@trainyard/contract'
import { TrainyardError, traceparent } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { checkRequest, chooseModel, chooseQueue } from './check-request.ts'
import { findCheckpoint, findDataset, findInputTask } from './find-inputs.ts'

/** What a request would run. Parts are undefined only if there are issues. */
export interface ExaminedRequest {
  trainer: ResolvedTrainer
  config: JobConfig | undefined
  queue: string
  model: string | undefined
  taskType: TaskType
  issues: FieldIssue[]
}

/** Collects the issues of all fields, so that the caller sees them at once. Writes nothing. */
export async function examineRequest(
  context: RunnerContext,
  projectId: string,
  request: CreateJobRequest,
  {
    takesPictures = false,
    trace,
  }: { takesPictures?: boolean | undefined; trace?: { traceId: string } | undefined } = {},
): Promise<ExaminedRequest> {
  const trainer = await resolveTrainer(context, request.trainer, trace)
  const issues: FieldIssue[] = []
  const checkpoint = await findCheckpoint(context, projectId, request, issues)
  const config = await checkRequest(trainer.manifest, request, { issues, takesPictures })
  const queue = chooseQueue(context, request, issues)
  const dataset = await findDataset(context, projectId, request, issues)
  const inputTask = await findInputTask(context, request, { dataset, checkpoint })
  const { model, taskType } = chooseModel(trainer.manifest, request, inputTask, issues)
  return { trainer, config, queue, model, taskType, issues }
}

/** Errors of the source keep their message. They are attributed to the field `trainer`. */
async function resolveTrainer(
  context: RunnerContext,
  reference: string,
  trace: { traceId: string } | undefined,
): Promise<ResolvedTrainer> {
  try {
    return await context.trainers.resolve(reference, { traceparent: trace && traceparent(trace.traceId) })
  } catch (error) {
    const isExpected = error instanceof TrainyardError && (error.code === 'not_found' || error.code === 'unprocessable')
    if (!isExpected || error.issues?.some((issue) => issue.path === 'trainer')) throw error
    throw new TrainyardError(error.code, error.detail, {
      issues: [{ path: 'trainer', detail: error.detail, value: reference }],
      cause: error,
    })
  }
}
