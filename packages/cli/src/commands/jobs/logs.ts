import type { LogsOptions, TrainyardClient } from '@trainyard/client'
import type { LogLevel, LogLine, LogPage } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { formatLogLine } from '../../jobs/format-job.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { createPaint } from '../../terminal/paint.ts'
import { plural } from '../../terminal/text.ts'

interface LogFilter {
  level: LogLevel | undefined
  search: string | undefined
  attempt: number | undefined
  since: string | undefined
  until: string | undefined
}

interface LogsInput extends Omit<LogFilter, 'since' | 'until'>, ServerValues {
  job: number
  follow: boolean
  tail: number | undefined
  since: Date | undefined
  until: Date | undefined
  line: number | undefined
  json: boolean
}

export async function run(input: LogsInput, io: CliIo): Promise<number> {
  const { job, follow, level, search, attempt, tail, line, json } = input
  if (tail !== undefined && line !== undefined)
    throw new UsageError('--tail and --line exclude each other: lines from the end, or from a number')
  const filter = {
    level,
    search,
    attempt,
    since: input.since?.toISOString(),
    until: input.until?.toISOString(),
  }
  const log = new JobLog(await connect(input, io), job, { filter, line })
  const paint = createPaint(io.stdout, io.env)
  const print = (each: LogLine) => io.stdout.write(`${json ? JSON.stringify(each) : formatLogLine(each, paint)}\n`)
  if (tail === undefined) await log.read((lines) => lines.forEach(print))
  else (await log.readTail(tail)).forEach(print)
  if (log.dropped > 0 && !json)
    io.stderr.write(`${plural(log.dropped, 'more line')} dropped: the job exceeded its log quota\n`)
  if (follow) await interruptible((signal) => log.follow(print, signal))
  return EXIT_CODES.ok
}

/** Lines per request. */
const PAGE = 1000

/** The log of a job, read page by page. */
class JobLog {
  /** How many lines the server did not keep. */
  dropped = 0
  readonly #client: TrainyardClient
  readonly #id: number
  readonly #filter: LogFilter
  /** Number of the line to start at, until a line was read. */
  #line: number | undefined
  #after: string | undefined

  constructor(client: TrainyardClient, id: number, { filter, line }: { filter: LogFilter; line: number | undefined }) {
    this.#client = client
    this.#id = id
    this.#filter = filter
    this.#line = line
  }

  /** Reads every page after the last line that was read. */
  async read(take: (lines: LogLine[]) => void): Promise<void> {
    for (;;) {
      const page = await this.#page({ after: this.#after, line: this.#line, limit: PAGE })
      take(page.lines)
      const lastId = page.lines.at(-1)?.id
      if (lastId !== undefined) {
        this.#after = String(lastId)
        this.#line = undefined
      }
      if (page.nextCursor === undefined) return
      this.#after = page.nextCursor
    }
  }

  /** The last `count` lines, read from the end of the log, so that the length of the log does not matter. */
  async readTail(count: number): Promise<LogLine[]> {
    const pages: LogLine[][] = []
    let missing = count
    let before: string | undefined
    do {
      // Without a line to show, following still begins after the last one.
      const page = await this.#page({ before, from: 'end', limit: Math.max(1, Math.min(missing, PAGE)) })
      if (before === undefined) this.#after = String(page.lines.at(-1)?.id ?? 0)
      pages.unshift(page.lines)
      missing -= page.lines.length
      before = page.previousCursor
    } while (before !== undefined && missing > 0)
    return count === 0 ? [] : pages.flat()
  }

  async #page(position: LogsOptions): Promise<LogPage> {
    const page = await this.#client.jobs.logs(this.#id, { ...this.#filter, ...position })
    this.dropped = page.dropped
    return page
  }

  /** Reads new lines until the job ends. The live stream only tells that there may be some. */
  async follow(print: (line: LogLine) => void, signal: AbortSignal): Promise<void> {
    for await (const message of this.#client.jobs.live(this.#id, { signal }))
      if (message.type !== 'metrics' && message.type !== 'artifact') await this.read((lines) => lines.forEach(print))
  }
}
