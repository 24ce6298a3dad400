import { type Artifact, type LiveMessage, type LogLine, TrainerEvent } from '@trainyard/sdk/contract'
import { toArtifact } from '../artifacts/artifact-view.ts'
import { metricPointsOf } from '../callback/parse-events.ts'
import type { RunnerContext } from '../context.ts'
import type { JobRow } from '../db/schema.ts'
import { toJob } from '../jobs/job-view.ts'
import { toLogLine } from '../logs/read-logs.ts'
import { readMetrics } from '../metrics/read-metrics.ts'
import type { LiveCursor } from './cursor.ts'

const SNAPSHOT_POINTS = 1000
const SNAPSHOT_LINES = 200
/** Whoever is further behind gets a new snapshot instead of everything that was missed. */
const MAX_BEHIND = 2000

export interface Changes {
  messages: LiveMessage[]
  cursor: LiveCursor
}

/** Everything that a new watcher must see first. */
export async function readSnapshot(context: RunnerContext, job: JobRow): Promise<Changes> {
  const { db } = context.database
  // The position is read first: what comes in between is sent again as a change, never lost.
  const attempt = await db
    .selectFrom('attempts')
    .select('last_seq')
    .where('job_id', '=', job.id)
    .where('attempt', '=', job.attempt)
    .executeTakeFirst()
  const lines = await db
    .selectFrom('logs')
    .selectAll()
    .where('job_id', '=', job.id)
    .orderBy('id', 'desc')
    .limit(SNAPSHOT_LINES)
    .execute()
  const artifacts = await db
    .selectFrom('artifacts')
    .selectAll()
    .where('job_id', '=', job.id)
    .where('completed_at', 'is not', null)
    .orderBy('position')
    .execute()
  const { series } = await readMetrics(context, job.id, { points: SNAPSHOT_POINTS, attempt: job.attempt })
  const logs = lines.reverse().map(toLogLine)
  const position = Math.max(logs.at(-1)?.id ?? 0, artifacts.at(-1)?.position ?? 0)
  return {
    messages: [
      { type: 'snapshot', job: toJob(job), series, logs },
      ...artifacts.map((row): LiveMessage => ({ type: 'artifact', artifact: toArtifact(row) })),
    ],
    cursor: { attempt: job.attempt, seq: attempt?.last_seq ?? 0, position },
  }
}

/** What came after a cursor, or undefined when that is too much or of another attempt: then a snapshot is due. */
export async function readChanges(
  context: RunnerContext,
  job: JobRow,
  cursor: LiveCursor,
): Promise<Changes | undefined> {
  if (cursor.attempt !== job.attempt) return undefined
  const { db } = context.database
  const [events, lines, artifacts] = await Promise.all([
    db
      .selectFrom('events')
      .select(['seq', 'type', 'body', 'rejected'])
      .where('job_id', '=', job.id)
      .where('attempt', '=', job.attempt)
      .where('seq', '>', cursor.seq)
      .orderBy('seq')
      .limit(MAX_BEHIND + 1)
      .execute(),
    db
      .selectFrom('logs')
      .selectAll()
      .where('job_id', '=', job.id)
      .where('id', '>', cursor.position)
      .orderBy('id')
      .limit(MAX_BEHIND + 1)
      .execute(),
    db
      .selectFrom('artifacts')
      .selectAll()
      .where('job_id', '=', job.id)
      .where('position', '>', cursor.position)
      .orderBy('position')
      .execute(),
  ])
  if (events.length > MAX_BEHIND || lines.length > MAX_BEHIND) return undefined
  const points = events
    .filter((event) => event.rejected === null && (event.type === 'progress' || event.type === 'validation'))
    .flatMap((event) => metricPointsOf(TrainerEvent.parse(event.body)))
    .map(({ name, axis, step, raw, time }) => ({ name, axis, step, value: raw, time }))
  const messages: LiveMessage[] = []
  if (points.length > 0) messages.push({ type: 'metrics', points })
  if (lines.length > 0) messages.push({ type: 'logs', lines: lines.map(toLogLine) satisfies LogLine[] })
  for (const row of artifacts) messages.push({ type: 'artifact', artifact: toArtifact(row) satisfies Artifact })
  return {
    messages,
    cursor: {
      attempt: job.attempt,
      seq: events.at(-1)?.seq ?? cursor.seq,
      position: Math.max(cursor.position, lines.at(-1)?.id ?? 0, artifacts.at(-1)?.position ?? 0),
    },
  }
}
