import { CreateJobRequest } from '@trainyard/contract'
import { type Caller, TrainyardError } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { createJobInProject } from '../jobs/create-job.ts'

/** A picture must not wait until all trainings of a queue have ended. */
const PRIORITY = 100
/** Ends a predictor that is used without a pause; the next picture starts another one. */
const DEADLINE_SECONDS = 6 * 3600

/** The job that takes pictures for a checkpoint. Starts one where none does. */
export async function findPredictor(
  context: RunnerContext,
  caller: Caller,
  { checkpoint, source }: { checkpoint: ArtifactRow; source: JobRow },
): Promise<number> {
  const { db } = context.database
  const latest = await db
    .selectFrom('jobs')
    .select(['id', 'state', 'pictures', 'cancel_requested_at'])
    .where('checkpoint_id', '=', checkpoint.id)
    .where('pictures', 'is not', null)
    .orderBy('id', 'desc')
    .executeTakeFirst()
  if (latest !== undefined && isOpen(latest)) return latest.id
  await makeRoom(context, source.project_id)
  const { job } = await createJobInProject(context, caller, {
    projectId: source.project_id,
    takesPictures: true,
    request: CreateJobRequest.parse({
      trainer: `${source.trainer_name}@${source.trainer.version}`,
      operation: 'predict',
      model: source.model,
      taskType: source.task_type,
      config: settingsOf(source),
      checkpoint: checkpoint.id,
      name: `Try ${checkpoint.name} of job ${source.id}`.slice(0, 200),
      queue: source.queue,
      priority: PRIORITY,
      deadlineSeconds: DEADLINE_SECONDS,
      // Two pictures that come at once start one job.
      idempotencyKey: `pictures of ${checkpoint.id} after ${latest?.id ?? 0}`,
    }),
  })
  return job.id
}

export const isOpen = (job: Pick<JobRow, 'state' | 'pictures' | 'cancel_requested_at'>): boolean =>
  job.pictures === 'open' &&
  job.cancel_requested_at === null &&
  (job.state === 'pending' || job.state === 'queued' || job.state === 'running')

/** The settings of the training that the manifest knows: a checkpoint fits the image size with which it was trained. */
function settingsOf({ config, trainer }: JobRow): Record<string, unknown> {
  const { properties } = trainer.manifest.config.schema
  const known = typeof properties === 'object' && properties !== null ? properties : {}
  return Object.fromEntries(
    Object.entries({ ...config.basic, ...config.advanced }).filter(([name]) => Object.hasOwn(known, name)),
  )
}

/** Ends the predictor of a project that has waited longest, where there are as many as allowed. */
async function makeRoom(context: RunnerContext, projectId: string): Promise<void> {
  const { db } = context.database
  const open = await db
    .selectFrom('jobs')
    .select((eb) => [
      'id',
      'cancel_requested_at',
      eb
        .selectFrom('pictures')
        .select((count) => count.fn.countAll<number>().as('waiting'))
        .whereRef('pictures.job_id', '=', 'jobs.id')
        .where('pictures.result', 'is', null)
        .as('waiting'),
      eb
        .selectFrom('pictures')
        .select((max) => max.fn.max('pictures.position').as('newest'))
        .whereRef('pictures.job_id', '=', 'jobs.id')
        .as('newest'),
    ])
    .where('project_id', '=', projectId)
    .where('pictures', '=', 'open')
    .where('state', 'in', ['pending', 'queued', 'running'])
    .execute()
  const { maxPredictors } = context.limits
  if (open.length < maxPredictors) return
  const [idle] = open
    .filter(({ waiting }) => Number(waiting) === 0)
    .toSorted((a, b) => Number(a.newest ?? 0) - Number(b.newest ?? 0))
  if (idle === undefined)
    throw new TrainyardError(
      'rate_limited',
      `${maxPredictors} checkpoints of the project are predicting pictures, which is the limit (MAX_PREDICTORS). Wait until one is done`,
      { retryAfterSeconds: 10 },
    )
  await db.updateTable('jobs').set({ pictures: 'closed' }).where('id', '=', idle.id).execute()
  context.hub.changed(idle.id)
}
