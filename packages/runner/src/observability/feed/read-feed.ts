import { TrainerEvent } from '@trainyard/contract'
import type { AttemptRow } from '../../db/schema/attempts.ts'
import type { JobRow } from '../../db/schema/jobs.ts'
import { metricPointsOf } from '../../journal/parse-events.ts'
import { readJournal } from '../../journal/read-journal.ts'
import type { ArtifactInfo, ExperimentEnd, ExperimentInfo, Line, Point } from '../adapter.ts'
import type { ObservabilityContext } from '../context.ts'
import { END_STATES } from './end-states.ts'

type Read = Pick<ObservabilityContext, 'database' | 'store' | 'config'>
export interface Ref {
  jobId: number
  attempt: number
}

/** The job and the attempt of an experiment. */
export async function readAttempt(
  { database }: Read,
  ref: Ref,
): Promise<{ job: JobRow; attempt: AttemptRow } | undefined> {
  const job = await database.db.selectFrom('jobs').selectAll().where('id', '=', ref.jobId).executeTakeFirst()
  const attempt = await database.db
    .selectFrom('attempts')
    .selectAll()
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .executeTakeFirst()
  return job === undefined || attempt === undefined ? undefined : { job, attempt }
}

export function experimentInfo(
  row: { job: JobRow; attempt: AttemptRow },
  options: { instanceId: string; jobPages: string },
): ExperimentInfo {
  const { job, attempt } = row
  const { dataset_id: id, version_hash: versionHash } = job
  const isCurrent = job.attempt === attempt.attempt
  return {
    key: `trainyard-${options.instanceId}-${job.id}-${attempt.attempt}`,
    jobId: job.id,
    attempt: attempt.attempt,
    name: job.name ?? `${job.trainer_name} job ${job.id}`,
    trainer: {
      name: job.trainer_name,
      version: job.trainer.version,
      digest: job.trainer.digest,
      framework: job.trainer.manifest.framework,
    },
    operation: job.operation,
    taskType: job.task_type,
    model: job.model,
    ...(id === null || versionHash === null ? {} : { dataset: { id, name: job.dataset_name ?? id, versionHash } }),
    params: flatten(job.config),
    traceId: job.trace_id,
    jobUrl: `${options.jobPages.replace(/\/+$/, '')}/jobs/${job.id}`,
    createdAt: attempt.created_at,
    // The job's row speaks of its newest attempt only.
    ...(isCurrent && job.queued_at !== null ? { queuedAt: job.queued_at } : {}),
    ...(attempt.launched_at === null ? {} : { launchedAt: attempt.launched_at }),
    ...(attempt.heard_at === null ? {} : { heardAt: attempt.heard_at }),
  }
}

/** Points of the events after a number, and up to which number that is. */
export async function readPoints(
  { database }: Read,
  ref: Ref,
  after: number,
  maxEvents: number,
): Promise<{ points: Point[]; seq: number; more: boolean }> {
  const rows = await readJournal(database, [{ ...ref, seq: after }], { limit: maxEvents })
  const points = rows
    .filter((row) => row.rejected === null && (row.type === 'progress' || row.type === 'validation'))
    .flatMap((row) => {
      const event = TrainerEvent.safeParse(row.body)
      return event.success ? metricPointsOf(event.data) : []
    })
    .map(({ seq, name, axis, step, value, time }) => ({ seq, name, axis, step, value, time: new Date(time) }))
  return { points, seq: rows.at(-1)?.seq ?? after, more: rows.length === maxEvents }
}

/** The artifact after a position. */
export async function readNextArtifact(
  { database, store, config }: Read,
  ref: Ref,
  after: number,
): Promise<{ artifact: ArtifactInfo; position: number } | undefined> {
  const row = await database.db
    .selectFrom('artifacts')
    .selectAll()
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .where('completed_at', 'is not', null)
    .where('position', '>', after)
    .orderBy('position')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined || row.position === null) return undefined
  const artifact: ArtifactInfo = {
    id: row.id,
    kind: row.kind,
    name: row.name,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    contentType: row.content_type,
    createdAt: row.created_at,
    url: `${config.publicUrl.replace(/\/+$/, '')}/v1/jobs/${ref.jobId}/artifacts#${row.id}`,
    read: async () => (await store.get(row.storage_key)).body,
  }
  return { artifact, position: row.position }
}

export async function readLines(
  { database }: Read,
  ref: Ref,
  after: number,
  limit: number,
): Promise<{ lines: Line[]; more: boolean }> {
  const rows = await database.db
    .selectFrom('logs')
    .selectAll()
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  const lines = rows.map(({ id, level, source, message, time }) => ({ id, level, source, message, time }))
  return { lines, more: rows.length === limit }
}

/** How an attempt ended, once nothing more can come from it. */
export function endOf(attempt: AttemptRow): ExperimentEnd | undefined {
  const { closed_at: finishedAt, end_reason: reason } = attempt
  const settled = attempt.launched_at === null || attempt.cleaned_at !== null
  if (finishedAt === null || reason === null || !settled) return undefined
  const message = attempt.error?.message
  return { state: END_STATES[reason], reason, finishedAt, ...(message === undefined ? {} : { message }) }
}

/** `{"basic": {"epochs": 3}}` becomes `{"basic.epochs": 3}`. */
function flatten(config: object, prefix = ''): Record<string, string | number | boolean> {
  const flat: Record<string, string | number | boolean> = {}
  for (const [key, value] of Object.entries(config)) {
    const name = `${prefix}${key}`
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') flat[name] = value
    else if (Array.isArray(value)) flat[name] = JSON.stringify(value)
    else if (typeof value === 'object' && value !== null) Object.assign(flat, flatten(value, `${name}.`))
  }
  return flat
}
