import { LogLevel, type LogLine, type LogPage } from '@trainyard/contract'
import { type Expression, type SqlBool, sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { LogRow } from '../db/schema/logs.ts'
import { getJobRow } from '../jobs/get-job.ts'

export interface ReadLogsQuery {
  attempt?: number | undefined
  /** The lowest level to include. */
  level?: LogLevel | undefined
  /** Text that a message must contain, ignoring case. */
  search?: string | undefined
  /** Lines of this time or later. */
  since?: Date | undefined
  /** Lines before this time. */
  until?: Date | undefined
  /** Number of a line of the job or of the attempt, from 1, that the page starts at. Other filters do not change numbers. */
  line?: number | undefined
  /** Only lines with a greater id. */
  after?: number | undefined
  /** Only lines with a smaller id. */
  before?: number | undefined
  /** Whether the page has the oldest or the newest of the lines. Default: the newest with `before` alone, else the oldest. */
  from?: 'start' | 'end' | undefined
  /** Also count the matching lines before and after the page. */
  count?: boolean | undefined
  limit: number
}

/** One page of log lines, oldest first. Pages at the end of a long log are read as quickly as those at its start. */
export async function readLogs(context: RunnerContext, jobId: number, query: ReadLogsQuery): Promise<LogPage> {
  const { db } = context.database
  await getJobRow(db, jobId)
  const matches = sql<SqlBool>`${sql.join(conditionsOf(jobId, query), sql` and `)}`
  const from = await startOf(context, jobId, query)
  const bounds = [
    sql<SqlBool>`id > ${Math.max(query.after ?? 0, from - 1)}`,
    query.before === undefined ? sql<SqlBool>`true` : sql<SqlBool>`id < ${query.before}`,
  ]
  const isFromEnd = query.from === undefined ? isBackwards(query) : query.from === 'end'
  const rows = await db
    .selectFrom('logs')
    .selectAll()
    .where(matches)
    .where((eb) => eb.and(bounds))
    .orderBy('id', isFromEnd ? 'desc' : 'asc')
    .limit(query.limit + 1)
    .execute()
  const isCut = rows.length > query.limit
  const page = rows.slice(0, query.limit)
  if (isFromEnd) page.reverse()
  const outside = await readOutside(context, { jobId, query, matches, page, isFromEnd, isCut })
  return { lines: page.map(toLogLine), ...outside }
}

const isBackwards = ({ before, after, line }: ReadLogsQuery): boolean =>
  before !== undefined && after === undefined && line === undefined

interface OutsideOptions {
  jobId: number
  query: ReadLogsQuery
  matches: Expression<SqlBool>
  page: readonly LogRow[]
  isFromEnd: boolean
  /** Whether there are more lines in the direction of reading. */
  isCut: boolean
}

/** What is not on the page. */
async function readOutside(
  { database: { db } }: RunnerContext,
  { jobId, query, matches, page, isFromEnd, isCut }: OutsideOptions,
): Promise<Omit<LogPage, 'lines'>> {
  const first = page.at(0)?.id ?? query.before ?? (query.after === undefined ? undefined : query.after + 1)
  const last = page.at(-1)?.id ?? (query.before === undefined ? query.after : query.before - 1)
  const exists = async (condition: Expression<SqlBool>) =>
    (await db.selectFrom('logs').select('id').where(matches).where(condition).limit(1).execute()).length > 0
  const isBefore = sql<SqlBool>`id < ${first ?? null}`
  const isAfter = sql<SqlBool>`id > ${last ?? null}`
  const dropped = await db
    .selectFrom('attempts')
    .select((eb) => eb.fn.sum<number | string | null>('dropped_lines').as('dropped'))
    .where('job_id', '=', jobId)
    .executeTakeFirst()
  const counts = query.count
    ? await db
        .selectFrom('logs')
        .select([
          sql<number>`count(*) filter (where ${isBefore})`.as('earlier'),
          sql<number>`count(*) filter (where ${isAfter})`.as('later'),
        ])
        .where(matches)
        .executeTakeFirstOrThrow()
    : undefined
  // A page that starts at the first line, or ends at the last one, needs no query.
  const startsAtFirst = !isFromEnd && query.after === undefined && query.line === undefined
  const endsAtLast = isFromEnd && query.before === undefined
  const hasEarlier = isFromEnd && isCut ? true : !startsAtFirst && first !== undefined && (await exists(isBefore))
  const hasLater = !isFromEnd && isCut ? true : !endsAtLast && last !== undefined && (await exists(isAfter))
  return {
    dropped: Number(dropped?.dropped ?? 0),
    nextCursor: hasLater && last !== undefined ? String(last) : undefined,
    previousCursor: hasEarlier && first !== undefined ? String(first) : undefined,
    earlier: counts && Number(counts.earlier),
    later: counts && Number(counts.later),
  }
}

function conditionsOf(jobId: number, query: ReadLogsQuery): Expression<SqlBool>[] {
  const conditions = [sql<SqlBool>`job_id = ${jobId}`]
  if (query.attempt !== undefined) conditions.push(sql`attempt = ${query.attempt}`)
  if (query.level !== undefined)
    conditions.push(sql`level in (${sql.join(levelsFrom(query.level).map((level) => sql.lit(level)))})`)
  if (query.search !== undefined) conditions.push(sql`position(lower(${query.search}) in lower(message)) > 0`)
  if (query.since !== undefined) conditions.push(sql`time >= ${query.since}`)
  if (query.until !== undefined) conditions.push(sql`time < ${query.until}`)
  return conditions
}

/** Id of the line with the number `query.line`. Larger than every id when the log is shorter. */
async function startOf(
  { database: { db } }: RunnerContext,
  jobId: number,
  { line, attempt }: ReadLogsQuery,
): Promise<number> {
  if (line === undefined) return 1
  let select = db.selectFrom('logs').select('id').where('job_id', '=', jobId)
  if (attempt !== undefined) select = select.where('attempt', '=', attempt)
  const row = await select
    .orderBy('id')
    .offset(line - 1)
    .limit(1)
    .executeTakeFirst()
  return row?.id ?? Number.MAX_SAFE_INTEGER
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
