import { parseArgs } from 'node:util'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson } from '../../table.ts'

const help = `Usage: trainyard datasets rm ID [ID …] [options]

Deletes datasets. One that a job still needs stays, and the message names the job.

Options:
${CONNECTION_HELP}

Examples:
  trainyard datasets rm ds_01jd0example
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: connectionOptions })
  if (positionals.length === 0) throw new UsageError('which dataset? Give its id: trainyard datasets ls')
  const client = await connect(values, io)
  for (const id of positionals) {
    await client.datasets.delete(id)
    if (!values.json) io.stdout.write(`${id} is deleted\n`)
  }
  if (values.json) printJson(io, { deleted: positionals })
  return CLI_EXIT_CODES.ok
}
