import { type Artifact, type LiveMessage, type LogLine, type MetricPoint, TrainerEvent } from '@trainyard/contract'
import { toArtifact } from '../artifacts/artifact-view.ts'
import type { RunnerContext } from '../context.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import type { LogRow } from '../db/schema/logs.ts'
import { metricPointsOf } from '../journal/parse-events.ts'
import { type JournalEvent, readJournal } from '../journal/read-journal.ts'
import { readPlainEvent } from '../journal/read-plain-event.ts'
import { toLogLine } from '../logs/read-logs.ts'
import type { LiveCursor } from './cursor.ts'

/** Whoever is further behind gets a new snapshot instead of everything that was missed. */
const MAX_BEHIND = 2000

type LivePoint = Extract<LiveMessage, { type: 'metrics' }>['points'][number]

/** What was added to a job after `from`, with the numbers by which a viewer knows what it has seen. */
export interface Changes {
  from: LiveCursor
  to: LiveCursor
  points: { seq: number; point: LivePoint }[]
  lines: LogLine[]
  artifacts: { position: number; artifact: Artifact }[]
}

export interface JobChanges {
  job: JobRow
  /** Undefined when that is too much, or of another attempt: then a snapshot is due. */
  changes: Changes | undefined
}

/**
 * What happened to jobs since each one's cursor, of all of them in four queries. A job that is gone is not in the answer.
 */
export async function readChanges(
  { database }: Pick<RunnerContext, 'database'>,
  since: ReadonlyMap<number, LiveCursor>,
): Promise<Map<number, JobChanges>> {
  // Jobs come first: what is added while the rest is read is seen again, never missed.
  const jobs = await database.query<JobRow>(JOBS, [[...since.keys()]])
  const cursors = [...since].map(([jobId, cursor]) => ({ jobId, ...cursor }))
  const ids = cursors.map(({ jobId }) => jobId)
  const positions = cursors.map(({ position }) => position)
  const [events, lines, artifacts] = await Promise.all([
    readJournal(database, cursors, { limit: MAX_BEHIND + 1 }),
    database.query<LogRow>(LINES, [ids, positions, MAX_BEHIND + 1]),
    database.query<ArtifactRow>(ARTIFACTS, [ids, positions]),
  ])
  const eventsOf = Map.groupBy(events, (event) => event.jobId)
  const linesOf = Map.groupBy(lines, (row) => row.job_id)
  const artifactsOf = Map.groupBy(artifacts, (row) => row.job_id)
  const found = new Map<number, JobChanges>()
  for (const job of jobs) {
    const from = since.get(job.id)
    if (from === undefined) continue
    const rows = { events: eventsOf.get(job.id) ?? [], lines: linesOf.get(job.id) ?? [] }
    const isTooMuch = rows.events.length > MAX_BEHIND || rows.lines.length > MAX_BEHIND
    const isOther = from.attempt !== job.attempt
    const changes =
      isTooMuch || isOther ? undefined : toChanges(from, { ...rows, artifacts: artifactsOf.get(job.id) ?? [] })
    found.set(job.id, { job, changes })
  }
  return found
}

const JOBS = { name: 'live-jobs', text: 'select * from jobs where id = any($1::bigint[])' }
const LINES = {
  name: 'live-lines',
  text: `
    select l.* from unnest($1::bigint[], $2::bigint[]) as c(job_id, position)
      cross join lateral (
        select * from logs l where l.job_id = c.job_id and l.id > c.position order by l.id limit $3
      ) l`,
}
const ARTIFACTS = {
  name: 'live-artifacts',
  text: `
    select a.* from unnest($1::bigint[], $2::bigint[]) as c(job_id, position)
      join artifacts a on a.job_id = c.job_id and a.position > c.position
    order by a.position`,
}

function toChanges(
  from: LiveCursor,
  { events, lines, artifacts }: { events: JournalEvent[]; lines: LogRow[]; artifacts: ArtifactRow[] },
): Changes {
  return {
    from,
    to: {
      attempt: from.attempt,
      seq: events.at(-1)?.seq ?? from.seq,
      position: Math.max(from.position, lines.at(-1)?.id ?? 0, artifacts.at(-1)?.position ?? 0),
    },
    points: events.flatMap((event) => pointsOf(event).map((point) => ({ seq: event.seq, point }))),
    lines: lines.map(toLogLine),
    artifacts: artifacts.map((row) => ({ position: row.position ?? 0, artifact: toArtifact(row) })),
  }
}

function pointsOf({ type, body, rejected }: JournalEvent): LivePoint[] {
  if (rejected !== null || (type !== 'progress' && type !== 'validation')) return []
  const event = readPlainEvent(body) ?? TrainerEvent.parse(body)
  return metricPointsOf(event).map(({ name, axis, step, raw, time }): LivePoint => {
    const point: MetricPoint = { step, value: raw, time }
    return { name, axis, ...point }
  })
}

/** The messages of changes, without what lies before a viewer's own cursor. */
export function toMessages({ points, lines, artifacts }: Changes, after: LiveCursor): LiveMessage[] {
  const messages: LiveMessage[] = []
  const newPoints = points.filter(({ seq }) => seq > after.seq)
  const newLines = lines.filter(({ id }) => id > after.position)
  if (newPoints.length > 0) messages.push({ type: 'metrics', points: newPoints.map(({ point }) => point) })
  if (newLines.length > 0) messages.push({ type: 'logs', lines: newLines })
  for (const { position, artifact } of artifacts)
    if (position > after.position) messages.push({ type: 'artifact', artifact })
  return messages
}
