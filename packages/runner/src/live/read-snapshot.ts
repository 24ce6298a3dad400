import type { LiveMessage } from '@trainyard/contract'
import { type Kysely, sql } from 'kysely'
import { toArtifact } from '../artifacts/artifact-view.ts'
import type { RunnerContext } from '../context.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { toJob } from '../jobs/job-view.ts'
import { toLogLine } from '../logs/read-logs.ts'
import { readMetrics } from '../metrics/read-metrics.ts'
import type { LiveCursor } from './cursor.ts'

const SNAPSHOT_POINTS = 1000
/** The newest ones. */
const SNAPSHOT_ARTIFACTS = 1000
const SNAPSHOT_LINES = 200

export interface Snapshot {
  job: JobRow
  messages: LiveMessage[]
  cursor: LiveCursor
  droppedLogs: number
}

/** The state of a job that a new viewer sees first. */
export async function readSnapshot({ database }: Pick<RunnerContext, 'database'>, job: JobRow): Promise<Snapshot> {
  return await database.transaction(async (db) => {
    // A single database snapshot: what is committed later is a change, and nothing is sent twice.
    await sql`set transaction isolation level repeatable read, read only`.execute(db)
    return await readAll(db, job)
  })
}

async function readAll(db: Kysely<RunnerDatabase>, job: JobRow): Promise<Snapshot> {
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
    .limit(SNAPSHOT_LINES + 1)
    .execute()
  const dropped = await db
    .selectFrom('attempts')
    .select(sql<string | null>`sum(dropped_lines)`.as('lines'))
    .where('job_id', '=', job.id)
    .executeTakeFirst()
  const artifacts = await db
    .selectFrom('artifacts')
    .selectAll()
    .where('job_id', '=', job.id)
    .where('completed_at', 'is not', null)
    .orderBy('position', 'desc')
    .limit(SNAPSHOT_ARTIFACTS)
    .execute()
  artifacts.reverse()
  const { series } = await readMetrics({ database: { db } }, job.id, {
    points: SNAPSHOT_POINTS,
    attempt: job.attempt,
    only: 'latest',
  })
  const logs = lines.slice(0, SNAPSHOT_LINES).reverse().map(toLogLine)
  const previousLogId = lines[SNAPSHOT_LINES]?.id
  const droppedLogs = Number(dropped?.lines ?? 0)
  const position = Math.max(logs.at(-1)?.id ?? 0, artifacts.at(-1)?.position ?? 0)
  return {
    job,
    messages: [
      { type: 'snapshot', job: toJob(job), series, logs, previousLogId, droppedLogs },
      ...artifacts.map((row): LiveMessage => ({ type: 'artifact', artifact: toArtifact(row) })),
    ],
    cursor: { attempt: job.attempt, seq: attempt?.last_seq ?? 0, position },
    droppedLogs,
  }
}
