import { type JobId, LogLevel, type LogLine } from '@trainyard/contract'
import { z } from 'zod'
import type { WebContext } from '../context.ts'
import { t } from '../words/t.ts'

const Id = z.string().regex(/^\d{1,15}$/)

/** Which part of a log a page shows. Parts of an address that are not valid are ignored, but `at` gets a message. */
export const LogQuery = z.object({
  level: LogLevel.catch('debug').default('debug'),
  search: z.string().trim().max(500).optional().catch(undefined),
  /** Number of a line, or a time, to start at. */
  at: z.string().trim().max(100).optional().catch(undefined),
  after: Id.optional().catch(undefined),
  before: Id.optional().catch(undefined),
  attempt: z.coerce.number().int().positive().max(1_000_000).optional().catch(undefined),
})
export type LogQuery = z.infer<typeof LogQuery>

export interface JobLogs {
  lines: LogLine[]
  query: LogQuery
  /** Whether the lines are the newest ones, which the page of a running job continues. */
  isTail: boolean
  /** Whether the user wants to see the first of the lines, rather than the last. */
  isFromStart: boolean
  /** How many matching lines are before and after those shown. */
  earlier: number
  later: number
  /** Number of the first line. Undefined when a filter hides lines. */
  firstNumber: number | undefined
  /** Number of lines that exceeded the quota and were not kept. */
  dropped: number
  /** What is wrong with `query.at`. */
  problem?: string | undefined
}

const LINES_SHOWN = 1000

/** The lines that an address asks for; without a position, the newest ones. */
export async function readLogPage(context: WebContext, jobId: JobId, query: LogQuery): Promise<JobLogs> {
  const { level, search, at, after, before, attempt } = query
  const position = parsePosition(at || undefined)
  const isFromStart = position.line !== undefined || position.since !== undefined || after !== undefined
  const page = await context.client.jobs.logs(jobId, {
    attempt,
    level: level === 'debug' ? undefined : level,
    search: search || undefined,
    line: position.line,
    since: position.since,
    after,
    before,
    from: isFromStart ? 'start' : 'end',
    count: true,
    limit: LINES_SHOWN,
  })
  const { earlier = 0, later = 0 } = page
  const isWhole = level === 'debug' && !search && position.since === undefined
  return {
    lines: page.lines,
    query,
    isTail: !isFromStart && before === undefined && !search,
    isFromStart,
    earlier: position.since === undefined ? earlier : await countBefore(context, jobId, query, page.lines[0]),
    later,
    firstNumber: isWhole ? earlier + 1 : undefined,
    dropped: page.dropped,
    problem: position.problem,
  }
}

/** Lines before a time are hidden by `since`; links still lead to them. */
async function countBefore(
  context: WebContext,
  jobId: JobId,
  { level, search, attempt }: LogQuery,
  first: LogLine | undefined,
): Promise<number> {
  const before = first === undefined ? undefined : String(first.id)
  const page = await context.client.jobs.logs(jobId, {
    attempt,
    level: level === 'debug' ? undefined : level,
    search: search || undefined,
    before,
    from: 'end',
    count: true,
    limit: 1,
  })
  return (page.earlier ?? 0) + page.lines.length
}

function parsePosition(at: string | undefined): {
  line?: number | undefined
  since?: string | undefined
  problem?: string | undefined
} {
  if (at === undefined) return {}
  if (/^\d{1,9}$/.test(at)) return { line: Math.max(1, Number(at)) }
  // Without an offset the time is in UTC, as the page shows it.
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?\s*(?:UTC|Z)?$/.exec(at)
  const date = match === null ? undefined : new Date(`${match[1]}T${match[2] ?? '00:00'}Z`)
  if (date !== undefined && !Number.isNaN(date.getTime())) return { since: date.toISOString() }
  return {
    problem: t('"{value}" is neither the number of a line nor a time such as 2026-11-20 09:30 (UTC).', { value: at }),
  }
}

/** Lines between two lines, oldest first. */
export interface LogGap {
  lines: LogLine[]
  /** How many more lines there are before `before`. */
  remaining: number
  after: number
  before: number
}

const GAP_LINES = 500

export async function readLogGap(
  context: WebContext,
  jobId: JobId,
  { after, before, level }: { after: number; before: number; level: LogLevel },
): Promise<LogGap> {
  const filter = { level: level === 'debug' ? undefined : level, count: true }
  const page = await context.client.jobs.logs(jobId, {
    ...filter,
    after: String(after),
    before: String(before),
    from: 'start',
    limit: GAP_LINES,
  })
  const last = page.lines.at(-1)?.id ?? after
  if (page.lines.length < GAP_LINES) return { lines: page.lines, remaining: 0, after: last, before }
  const beyond = await context.client.jobs.logs(jobId, { ...filter, after: String(before - 1), limit: 1 })
  const remaining = Math.max(0, (page.later ?? 0) - (beyond.later ?? 0) - beyond.lines.length)
  return { lines: page.lines, remaining, after: last, before }
}
