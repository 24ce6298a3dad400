import { parseArgs } from 'node:util'
import { type Job, JobState } from '@trainyard/contract'
import { parseChoice, parseNumber } from '../../arguments.ts'
import { collectPages } from '../../collect-pages.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { formatMetric, formatSeconds } from '../../job-view.ts'
import { printJson, printTable } from '../../table.ts'

const help = `Usage: trainyard jobs ls [options]

Jobs, newest first.

Options:
  --state STATE    pending, queued, running, succeeded, failed or cancelled
  --trainer NAME   "namespace/name"
  --limit N        At most so many. Default 20
${CONNECTION_HELP}

Examples:
  trainyard jobs ls
  trainyard jobs ls --state running --json
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...connectionOptions,
      state: { type: 'string' },
      trainer: { type: 'string' },
      limit: { type: 'string' },
    },
  })
  if (positionals.length > 0)
    throw new UsageError(`"${positionals[0]}" is not an option; one job: trainyard jobs show 42`)
  const state = values.state === undefined ? undefined : parseChoice(values.state, JobState.options, '--state')
  const wanted = parseNumber(values.limit, '--limit', { min: 1, max: 100_000, isWhole: true }) ?? 20
  const client = await connect(values, io)
  const jobs = await collectPages(wanted, async (cursor, missing) => {
    const page = await client.jobs.list({ state, trainer: values.trainer, cursor, limit: Math.min(missing, 200) })
    return { items: page.jobs, nextCursor: page.nextCursor }
  })
  if (values.json) printJson(io, { jobs })
  else if (jobs.length === 0) io.stdout.write('No jobs. Start one: trainyard run --help\n')
  else
    printTable(io, [
      ['job', 'state', 'done', 'trainer', 'name', 'metric', 'age'],
      ...jobs.map((job) => [
        String(job.id),
        job.state,
        `${Math.floor(job.progress.fraction * 100)} %`,
        `${job.trainer.name}@${job.trainer.version}`,
        job.name ?? '',
        metricOf(job),
        formatSeconds((Date.now() - new Date(job.createdAt).getTime()) / 1000),
      ]),
    ])
  return CLI_EXIT_CODES.ok
}

function metricOf(job: Job): string {
  const value = job.latestMetrics[job.primaryMetric.name]
  return value === undefined ? '' : `${job.primaryMetric.name} ${formatMetric(value)}`
}
