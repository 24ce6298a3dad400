import { type Artifact, type LiveMessage, type LogLine, type MetricPoint, TrainerEvent } from '@trainyard/contract'
import { toArtifact } from '../artifacts/artifact-view.ts'
import type { RunnerContext } from '../context.ts'
import type { ArtifactRow } from '../db/schema/artifacts.ts'
import { type JobRow, MAX_LATEST_METRICS } from '../db/schema/jobs.ts'
import type { LogRow } from '../db/schema/logs.ts'
import { defineStatement } from '../db/statement.ts'
import { metricPointsOf } from '../journal/parse-events.ts'
import { type JournalEvent, readJournal } from '../journal/read-journal.ts'
import { readPlainEvent } from '../journal/read-plain-event.ts'
import { toLogLine } from '../logs/read-logs.ts'
import type { LiveCursor } from './cursor.ts'

/** A viewer that missed more items gets a new snapshot instead. */
const MAX_MISSED = 2000

type LivePoint = Extract<LiveMessage, { type: 'metrics' }>['points'][number]

/** What was added to a job after `from`, with the numbers by which a viewer skips what it has seen. */
export interface Changes {
  from: LiveCursor
  to: LiveCursor
  points: { seq: number; point: LivePoint }[]
  lines: LogLine[]
  artifacts: { position: number; artifact: Artifact }[]
}

export interface JobChanges {
  job: JobRow
  droppedLogs: number
  /** Undefined when a snapshot is needed: there are too many changes, or they are of another attempt. */
  changes: Changes | undefined
}

/** Reads the changes of jobs, each since its cursor, with four queries. Deleted jobs are not in the result. */
export async function readChanges(
  { database }: Pick<RunnerContext, 'database'>,
  since: ReadonlyMap<number, LiveCursor>,
): Promise<Map<number, JobChanges>> {
  // Jobs are read first: what is added meanwhile is read again later instead of being missed.
  const jobs = await database.query<JobRow & { dropped_lines: number | string | null }>(
    JOBS,
    JOBS.values({ jobIds: [...since.keys()] }),
  )
  const cursors = [...since].map(([jobId, cursor]) => ({ jobId, ...cursor }))
  const after = { jobIds: cursors.map(({ jobId }) => jobId), positions: cursors.map(({ position }) => position) }
  const [events, lines, artifacts] = await Promise.all([
    readJournal(database, cursors, { limit: MAX_MISSED + 1 }),
    database.query<LogRow>(LINES, LINES.values({ ...after, limit: MAX_MISSED + 1 })),
    database.query<ArtifactRow>(ARTIFACTS, ARTIFACTS.values(after)),
  ])
  const eventsOf = Map.groupBy(events, (event) => event.jobId)
  const linesOf = Map.groupBy(lines, (row) => row.job_id)
  const artifactsOf = Map.groupBy(artifacts, (row) => row.job_id)
  const found = new Map<number, JobChanges>()
  for (const { dropped_lines, ...job } of jobs) {
    const from = since.get(job.id)
    if (from === undefined) continue
    const rows = { events: eventsOf.get(job.id) ?? [], lines: linesOf.get(job.id) ?? [] }
    const isTooMuch = rows.events.length > MAX_MISSED || rows.lines.length > MAX_MISSED
    const isOther = from.attempt !== job.attempt
    const changes =
      isTooMuch || isOther ? undefined : toChanges(job, from, { ...rows, artifacts: artifactsOf.get(job.id) ?? [] })
    found.set(job.id, { job, droppedLogs: Number(dropped_lines ?? 0), changes })
  }
  return found
}

interface AfterPositions {
  jobIds: number[]
  positions: number[]
}

const JOBS = defineStatement<Pick<AfterPositions, 'jobIds'>>(
  'live-jobs',
  `
    select j.*, (select sum(dropped_lines) from attempts a where a.job_id = j.id) as dropped_lines
    from jobs j where j.id = any(:jobIds::bigint[])`,
)
const LINES = defineStatement<AfterPositions & { limit: number }>(
  'live-lines',
  `
    select l.* from unnest(:jobIds::bigint[], :positions::bigint[]) as c(job_id, position)
      cross join lateral (
        select * from logs l where l.job_id = c.job_id and l.id > c.position order by l.id limit :limit
      ) l`,
)
const ARTIFACTS = defineStatement<AfterPositions>(
  'live-artifacts',
  `
    select a.* from unnest(:jobIds::bigint[], :positions::bigint[]) as c(job_id, position)
      join artifacts a on a.job_id = c.job_id and a.position > c.position
    order by a.position`,
)

function toChanges(
  { latest_metrics: latest }: JobRow,
  from: LiveCursor,
  { events, lines, artifacts }: { events: JournalEvent[]; lines: LogRow[]; artifacts: ArtifactRow[] },
): Changes {
  // The job was read before its events: a metric that is new since then is shown, unless there are too many.
  const isFull = Object.keys(latest).length >= MAX_LATEST_METRICS
  const isShown = (name: string) => !isFull || Object.hasOwn(latest, name)
  return {
    from,
    to: {
      attempt: from.attempt,
      seq: events.at(-1)?.seq ?? from.seq,
      position: Math.max(from.position, lines.at(-1)?.id ?? 0, artifacts.at(-1)?.position ?? 0),
    },
    points: events.flatMap((event) =>
      pointsOf(event)
        .filter(({ name }) => isShown(name))
        .map((point) => ({ seq: event.seq, point })),
    ),
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

/** The messages of changes after the cursor of a viewer. */
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
