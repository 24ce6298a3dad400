import { parseArgs } from 'node:util'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../command.ts'
import { removeLogin } from '../settings-file.ts'

const help = `Usage: trainyard logout

Forgets the address and the token that "trainyard login" keeps. The token itself stays valid until it is revoked.

Options:
  -h, --help   Show this

Examples:
  trainyard logout
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  parseArgs({ args, options: {} })
  io.stdout.write((await removeLogin(io.env)) ? 'Logged out\n' : 'Nobody was logged in\n')
  return CLI_EXIT_CODES.ok
}
