import { parseArgs } from 'node:util'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson } from '../../table.ts'
import { parseJobId } from './arguments.ts'

const help = `Usage: trainyard jobs restart JOB [options]

Opens a new attempt of a job that has ended, with the same trainer, settings and data. It goes on from the job's own last
checkpoint, unless it is asked to begin afresh.

Options:
  --fresh          Begin without the checkpoint
${CONNECTION_HELP}

Examples:
  trainyard jobs restart 42
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...connectionOptions, fresh: { type: 'boolean' } },
  })
  const id = parseJobId(positionals)
  const job = await (await connect(values, io)).jobs.restart(id, { fresh: values.fresh === true })
  if (values.json) printJson(io, { job })
  else io.stdout.write(`job ${id} is ${job.state}, attempt ${job.attempt}. Watch it: trainyard jobs watch ${id}\n`)
  return CLI_EXIT_CODES.ok
}
