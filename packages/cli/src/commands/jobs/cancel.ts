import { parseArgs } from 'node:util'
import { isTerminalJobState, type Job } from '@trainyard/contract'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson } from '../../table.ts'
import { parseJobIds } from './arguments.ts'

const help = `Usage: trainyard jobs cancel JOB [JOB …] [options]

Asks jobs to stop: each finishes its step and keeps its last checkpoint, or is killed when its grace is over.

Options:
${CONNECTION_HELP}

Examples:
  trainyard jobs cancel 42
  trainyard jobs cancel 42 43 44
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: connectionOptions })
  const ids = parseJobIds(positionals)
  const client = await connect(values, io)
  const jobs: Job[] = []
  for (const id of ids) {
    const job = await client.jobs.cancel(id)
    jobs.push(job)
    const said = isTerminalJobState(job.state) ? `is ${job.state}` : 'is asked to stop'
    if (!values.json) io.stdout.write(`job ${id} ${said}\n`)
  }
  if (values.json) printJson(io, { jobs })
  return CLI_EXIT_CODES.ok
}
