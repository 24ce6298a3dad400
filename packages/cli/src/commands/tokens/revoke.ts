import { parseArgs } from 'node:util'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson } from '../../table.ts'

const help = `Usage: trainyard tokens revoke ID [ID …] [options]

Ends tokens of yours at once. Programs that use them are refused.

Options:
${CONNECTION_HELP}

Examples:
  trainyard tokens revoke tok_01jd0example
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: connectionOptions })
  if (positionals.length === 0) throw new UsageError('which token? Give its id: trainyard tokens ls')
  const client = await connect(values, io)
  for (const id of positionals) {
    await client.tokens.revoke(id)
    if (!values.json) io.stdout.write(`${id} is revoked\n`)
  }
  if (values.json) printJson(io, { revoked: positionals })
  return CLI_EXIT_CODES.ok
}
