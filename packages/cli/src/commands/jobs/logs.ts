import type { TrainyardClient } from '@trainyard/client'
import type { LogLevel, LogLine } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { formatLogLine } from '../../jobs/format-job.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { createPaint } from '../../terminal/paint.ts'
import { plural } from '../../terminal/text.ts'

interface LogFilter {
  level: LogLevel | undefined
  search: string | undefined
  attempt: number | undefined
}

interface LogsInput extends LogFilter, ServerValues {
  job: number
  follow: boolean
  tail: number | undefined
  json: boolean
}

export async function run(input: LogsInput, io: CliIo): Promise<number> {
  const { job, follow, level, search, attempt, tail, json } = input
  const log = new JobLog(await connect(input, io), job, { level, search, attempt })
  const paint = createPaint(io.stdout, io.env)
  const print = (line: LogLine) => io.stdout.write(`${json ? JSON.stringify(line) : formatLogLine(line, paint)}\n`)
  if (tail === undefined) await log.read((lines) => lines.forEach(print))
  else {
    let last: LogLine[] = []
    await log.read((lines) => {
      last = tail === 0 ? [] : [...last, ...lines].slice(-tail)
    })
    last.forEach(print)
  }
  if (log.dropped > 0 && !json)
    io.stderr.write(`${plural(log.dropped, 'more line')} dropped: the job exceeded its log quota\n`)
  if (follow) await interruptible((signal) => log.follow(print, signal))
  return EXIT_CODES.ok
}

/** The log of a job, read page by page. */
class JobLog {
  /** How many lines the server did not keep. */
  dropped = 0
  readonly #client: TrainyardClient
  readonly #id: number
  readonly #filter: LogFilter
  #after: string | undefined

  constructor(client: TrainyardClient, id: number, filter: LogFilter) {
    this.#client = client
    this.#id = id
    this.#filter = filter
  }

  /** Reads every page after the last line that was read. */
  async read(take: (lines: LogLine[]) => void): Promise<void> {
    for (;;) {
      const page = await this.#client.jobs.logs(this.#id, { ...this.#filter, after: this.#after, limit: 1000 })
      take(page.lines)
      this.dropped = page.dropped
      const lastId = page.lines.at(-1)?.id
      if (lastId !== undefined) this.#after = String(lastId)
      if (page.nextCursor === undefined) return
      this.#after = page.nextCursor
    }
  }

  /** Reads new lines until the job ends. The live stream only tells that there may be some. */
  async follow(print: (line: LogLine) => void, signal: AbortSignal): Promise<void> {
    for await (const message of this.#client.jobs.live(this.#id, { signal }))
      if (message.type !== 'metrics' && message.type !== 'artifact') await this.read((lines) => lines.forEach(print))
  }
}
