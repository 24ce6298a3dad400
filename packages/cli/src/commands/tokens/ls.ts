import { parseArgs } from 'node:util'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson, printTable } from '../../table.ts'

const help = `Usage: trainyard tokens ls [options]

Your tokens, newest first, with when they were last used. Never with their secrets.

Options:
${CONNECTION_HELP}

Examples:
  trainyard tokens ls
  trainyard tokens ls --json | jq -r '.tokens[] | select(.lastUsedAt == null).id'
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values } = parseArgs({ args, options: connectionOptions })
  const tokens = await (await connect(values, io)).tokens.list()
  if (values.json) printJson(io, { tokens })
  else if (tokens.length === 0) io.stdout.write('No tokens. Make one: trainyard tokens create --help\n')
  else
    printTable(io, [
      ['id', 'name', 'scopes', 'of use in', 'created', 'ends', 'last used'],
      ...tokens.map((token) => [
        token.id,
        token.name,
        token.scopes.join(' '),
        token.project ?? token.organisation ?? 'everywhere',
        day(token.createdAt),
        token.expiresAt === undefined ? 'never' : day(token.expiresAt),
        token.lastUsedAt === undefined ? 'never' : token.lastUsedAt.slice(0, 16).replace('T', ' '),
      ]),
    ])
  return CLI_EXIT_CODES.ok
}

const day = (instant: string) => instant.slice(0, 10)
