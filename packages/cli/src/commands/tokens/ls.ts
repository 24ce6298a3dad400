import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { formatTime } from '../../terminal/text.ts'

export async function run({ json, ...server }: ServerValues & { json: boolean }, io: CliIo): Promise<number> {
  const tokens = await (await connect(server, io)).tokens.list()
  if (json) printJson(io, { tokens })
  else if (tokens.length === 0) io.stdout.write('No tokens. Create one: trainyard tokens create --help\n')
  else
    printTable(io, [
      ['id', 'name', 'scopes', 'valid in', 'created', 'expires', 'last used'],
      ...tokens.map((token) => [
        token.id,
        token.name,
        token.scopes.join(' '),
        token.project ?? token.organisation ?? 'everywhere',
        day(token.createdAt),
        token.expiresAt === undefined ? 'never' : day(token.expiresAt),
        token.lastUsedAt === undefined ? 'never' : formatTime(token.lastUsedAt),
      ]),
    ])
  return EXIT_CODES.ok
}

const day = (iso: string) => iso.slice(0, 10)
