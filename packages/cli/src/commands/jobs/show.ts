import { parseArgs } from 'node:util'
import { formatBytes } from '@trainyard/contract/format'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { formatMetric, STATE_STYLES } from '../../job-view.ts'
import { printJson, printTable } from '../../table.ts'
import { cleanText, createPaint } from '../../terminal.ts'
import { parseJobId } from './arguments.ts'

const help = `Usage: trainyard jobs show JOB [options]

State, settings, latest metrics and files of one job.

Options:
${CONNECTION_HELP}

Examples:
  trainyard jobs show 42
  trainyard jobs show 42 --json
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: connectionOptions })
  const id = parseJobId(positionals)
  const client = await connect(values, io)
  const [job, { artifacts }] = await Promise.all([client.jobs.get(id), client.jobs.artifacts(id)])
  if (values.json) {
    printJson(io, { job, artifacts })
    return CLI_EXIT_CODES.ok
  }
  const paint = createPaint(io.stdout, io.env)
  const say = (name: string, value: string | undefined) => {
    if (value !== undefined)
      io.stdout.write(`  ${name.padEnd(10)} ${cleanText(value).replaceAll('\n', '\n             ')}\n`)
  }
  io.stdout.write(
    `${paint('bold', `job ${job.id}`)} ${paint(STATE_STYLES[job.state], job.state)} ${cleanText(job.name ?? '')}\n`,
  )
  say('reason', job.endReason)
  say('error', job.error?.message)
  say('done', `${Math.floor(job.progress.fraction * 100)} %, attempt ${job.attempt}`)
  say('trainer', `${job.trainer.name}@${job.trainer.version}, model ${job.model}`)
  say('operation', `${job.operation}, ${job.taskType}`)
  say('dataset', job.dataset === undefined ? undefined : `${job.dataset.name} (${job.dataset.id})`)
  say(
    'settings',
    Object.entries({ ...job.config.basic, ...job.config.advanced })
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(' '),
  )
  say(
    'metrics',
    Object.entries(job.latestMetrics)
      .map(([name, value]) => `${name} ${formatMetric(value)}`)
      .join('  ') || undefined,
  )
  say('created', job.createdAt)
  say('finished', job.finishedAt)
  say('trace', job.traceId)
  if (artifacts.length > 0) {
    io.stdout.write('\n')
    printTable(io, [
      ['kind', 'file', 'size', 'attempt'],
      ...artifacts.map((one) => [one.kind, one.name, formatBytes(one.sizeBytes), String(one.attempt)]),
    ])
    io.stdout.write(`\nGet them: trainyard artifacts pull ${job.id}\n`)
  }
  return CLI_EXIT_CODES.ok
}
