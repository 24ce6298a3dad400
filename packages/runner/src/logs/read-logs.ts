import { LogLevel, type LogLine, type LogPage } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { LogRow } from '../db/schema/logs.ts'
import { getJobRow } from '../jobs/get-job.ts'

export interface ReadLogsQuery {
  attempt?: number | undefined
  /** The lowest level to include. */
  level?: LogLevel | undefined
  /** Text that a message must contain, ignoring case. */
  search?: string | undefined
  /** Id of the last line already read. */
  after?: number | undefined
  limit: number
}

/** Lists log lines, oldest first. */
export async function readLogs(context: RunnerContext, jobId: number, query: ReadLogsQuery): Promise<LogPage> {
  const { db } = context.database
  await getJobRow(db, jobId)
  let select = db
    .selectFrom('logs')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('id', '>', query.after ?? 0)
    .orderBy('id')
    .limit(query.limit + 1)
  if (query.attempt !== undefined) select = select.where('attempt', '=', query.attempt)
  if (query.level !== undefined)
    select = select.where(sql<boolean>`level in (${sql.join(levelsFrom(query.level).map((level) => sql.lit(level)))})`)
  if (query.search !== undefined)
    select = select.where(sql<boolean>`position(lower(${query.search}) in lower(message)) > 0`)
  const rows = await select.execute()
  const dropped = await db
    .selectFrom('attempts')
    .select((eb) => eb.fn.sum<number | string | null>('dropped_lines').as('dropped'))
    .where('job_id', '=', jobId)
    .executeTakeFirst()
  const lines = rows.slice(0, query.limit).map(toLogLine)
  const last = lines.at(-1)
  return {
    lines,
    dropped: Number(dropped?.dropped ?? 0),
    nextCursor: rows.length > query.limit && last !== undefined ? String(last.id) : undefined,
  }
}

function levelsFrom(level: LogLevel): LogLevel[] {
  return LogLevel.options.slice(LogLevel.options.indexOf(level))
}

export function toLogLine(row: LogRow): LogLine {
  return {
    id: row.id,
    attempt: row.attempt,
    time: row.time.toISOString(),
    level: row.level,
    source: row.source,
    message: row.message,
  }
}
