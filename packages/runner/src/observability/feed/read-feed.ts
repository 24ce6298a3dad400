import type { AttemptRow } from '../../db/schema/attempts.ts'
import type { JobRow } from '../../db/schema/jobs.ts'
import { checkEventNow } from '../../journal/check-event.ts'
import { metricPointsOf } from '../../journal/parse-events.ts'
import { readJournal } from '../../journal/read-journal.ts'
import type { ArtifactInfo, ExperimentEnd, ExperimentInfo, Line, Point } from '../adapter.ts'
import type { ObservabilityContext } from '../context.ts'
import { END_STATES } from './end-states.ts'

type ReadContext = Pick<ObservabilityContext, 'database' | 'store' | 'config'>

interface Ref {
  jobId: number
  attempt: number
}

export interface StoredAttempt {
  job: JobRow
  attempt: AttemptRow
}

/** The job and the attempt of an experiment. */
export async function readAttempt({ database }: ReadContext, ref: Ref): Promise<StoredAttempt | undefined> {
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
  { job, attempt }: StoredAttempt,
  options: { instanceId: string; jobPages: string },
): ExperimentInfo {
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
    dataset: id === null || versionHash === null ? undefined : { id, name: job.dataset_name ?? id, versionHash },
    params: flatten(job.config),
    traceId: job.trace_id,
    traceParentId: job.trace_parent_id ?? undefined,
    jobUrl: `${options.jobPages.replace(/\/+$/, '')}/jobs/${job.id}`,
    createdAt: attempt.created_at,
    // The job's row has the time of its newest attempt only.
    queuedAt: isCurrent ? (job.queued_at ?? undefined) : undefined,
    launchedAt: attempt.launched_at ?? undefined,
    heardAt: attempt.heard_at ?? undefined,
  }
}

/** The points of the events after a sequence number, and the number of the last event that was read. */
export async function readPoints(
  { database }: ReadContext,
  ref: Ref,
  after: number,
  maxEvents: number,
): Promise<{ points: Point[]; seq: number }> {
  const rows = await readJournal(database, [{ ...ref, seq: after }], { limit: maxEvents })
  const points = rows
    .filter((row) => row.rejected === null && (row.type === 'progress' || row.type === 'validation'))
    .flatMap((row) => {
      const { event } = checkEventNow({ ...row.body, seq: row.seq })
      return event === undefined ? [] : metricPointsOf(event)
    })
    .map(({ seq, name, axis, step, value, time }) => ({ seq, name, axis, step, value, time: new Date(time) }))
  return { points, seq: rows.at(-1)?.seq ?? after }
}

/** The next artifact after a position. */
export async function readNextArtifact(
  { database, store, config }: ReadContext,
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

export async function readLines({ database }: ReadContext, ref: Ref, after: number, limit: number): Promise<Line[]> {
  const rows = await database.db
    .selectFrom('logs')
    .selectAll()
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id, level, source, message, time }) => ({ id, level, source, message, time }))
}

/** How an attempt ended. Undefined: it can still get events or lines. */
export function endOf(attempt: AttemptRow): ExperimentEnd | undefined {
  const { closed_at: finishedAt, end_reason: reason } = attempt
  const isComplete = attempt.launched_at === null || attempt.cleaned_at !== null
  if (finishedAt === null || reason === null || !isComplete) return undefined
  return { state: END_STATES[reason], reason, finishedAt, message: attempt.error?.message }
}

/** Turns `{"basic": {"epochs": 3}}` into `{"basic.epochs": 3}`. */
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
