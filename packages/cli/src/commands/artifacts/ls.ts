import { parseArgs } from 'node:util'
import { formatBytes } from '@trainyard/contract/format'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson, printTable } from '../../table.ts'
import { parseJobId } from '../jobs/arguments.ts'

const help = `Usage: trainyard artifacts ls JOB [options]

The files of a job.

Options:
${CONNECTION_HELP}

Examples:
  trainyard artifacts ls 42
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: connectionOptions })
  const id = parseJobId(positionals)
  const { artifacts } = await (await connect(values, io)).jobs.artifacts(id)
  if (values.json) printJson(io, { artifacts })
  else if (artifacts.length === 0) io.stdout.write(`job ${id} has no files\n`)
  else
    printTable(io, [
      ['id', 'kind', 'file', 'size', 'attempt'],
      ...artifacts.map((one) => [one.id, one.kind, one.name, formatBytes(one.sizeBytes), String(one.attempt)]),
    ])
  return CLI_EXIT_CODES.ok
}
