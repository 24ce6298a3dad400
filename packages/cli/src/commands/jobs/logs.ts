import { parseArgs } from 'node:util'
import type { TrainyardClient } from '@trainyard/client'
import { LogLevel, type LogLine } from '@trainyard/contract'
import { parseChoice, parseNumber } from '../../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { interruptible } from '../../interrupt.ts'
import { formatLogLine } from '../../job-view.ts'
import { createPaint } from '../../terminal.ts'
import { parseJobId } from './arguments.ts'

const help = `Usage: trainyard jobs logs JOB [options]

What a job said, oldest line first.

Options:
  -f, --follow     Stay and show new lines until the job ends
  --level LEVEL    The lowest level shown: debug, info, warning or error. Default: debug, everything
  --search TEXT    Only lines with this text
  --attempt N      Only this attempt
  --tail N         Only the last N lines of those
${CONNECTION_HELP.replace('Print one JSON document instead', 'Print one JSON document a line instead')}

Examples:
  trainyard jobs logs 42 -f
  trainyard jobs logs 42 --level warning --search "out of memory"
`

export const command: Command = { help, run }

interface LogsOptions {
  id: number
  level: LogLine['level'] | undefined
  search: string | undefined
  attempt: number | undefined
}

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...connectionOptions,
      follow: { type: 'boolean', short: 'f' },
      level: { type: 'string' },
      search: { type: 'string' },
      attempt: { type: 'string' },
      tail: { type: 'string' },
    },
  })
  const options: LogsOptions = {
    id: parseJobId(positionals),
    level: values.level === undefined ? undefined : parseChoice(values.level, LogLevel.options, '--level'),
    search: values.search,
    attempt: parseNumber(values.attempt, '--attempt', { min: 1, max: 1_000_000, isWhole: true }),
  }
  const tail = parseNumber(values.tail, '--tail', { min: 0, max: 1_000_000, isWhole: true })
  const client = await connect(values, io)
  const paint = createPaint(io.stdout, io.env)
  const print = (line: LogLine) =>
    io.stdout.write(`${values.json ? JSON.stringify(line) : formatLogLine(line, paint)}\n`)

  let last: LogLine[] = []
  const first = await readPages(client, options, undefined, (lines) => {
    if (tail === undefined) for (const line of lines) print(line)
    else last = [...last, ...lines].slice(-tail || last.length + lines.length)
  })
  if (tail !== 0) for (const line of last) print(line)
  if (first.dropped > 0 && !values.json)
    io.stderr.write(`${first.dropped} more lines were dropped: the job said more than its quota\n`)
  if (values.follow) await interruptible((signal) => follow(client, options, first.after, print, signal))
  return CLI_EXIT_CODES.ok
}

/** Every page from a position on; resolves with the position after the last line. */
async function readPages(
  client: TrainyardClient,
  { id, ...filter }: LogsOptions,
  from: string | undefined,
  take: (lines: LogLine[]) => void,
): Promise<{ after: string | undefined; dropped: number }> {
  let after = from
  for (;;) {
    const page = await client.jobs.logs(id, { ...filter, after, limit: 1000 })
    take(page.lines)
    const lastId = page.lines.at(-1)?.id
    if (lastId !== undefined) after = String(lastId)
    if (page.nextCursor === undefined) return { after, dropped: page.dropped }
    after = page.nextCursor
  }
}

/** The live stream says that there is something new; the lines are read from where the last page ended. */
async function follow(
  client: TrainyardClient,
  options: LogsOptions,
  from: string | undefined,
  print: (line: LogLine) => void,
  signal: AbortSignal,
): Promise<void> {
  let after = from
  for await (const message of client.jobs.live(options.id, { signal })) {
    if (message.type === 'metrics' || message.type === 'artifact') continue
    const page = await readPages(client, options, after, (lines) => lines.forEach(print))
    after = page.after
  }
}
