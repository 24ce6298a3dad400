import type { ApiToken } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { cleanText, formatTime } from '../../terminal/text.ts'

export async function run({ json, ...server }: ServerValues & { json: boolean }, io: CliIo): Promise<number> {
  const tokens = await (await connect(server, io)).tokens.list()
  if (json) printJson(io, { tokens })
  else if (tokens.length === 0) io.stdout.write('No tokens. Create one: trainyard tokens create --help\n')
  else
    printTable(io, [
      ['id', 'name', 'scopes', 'valid in', 'created', 'expires', 'last used', 'created by'],
      ...tokens.map((token) => [
        token.id,
        token.name,
        token.scopes.join(' '),
        token.project ?? token.organisation ?? 'everywhere',
        day(token.createdAt),
        token.expiresAt === undefined ? 'never' : day(token.expiresAt),
        token.lastUsedAt === undefined ? 'never' : formatTime(token.lastUsedAt),
        creator(token),
      ]),
    ])
  return EXIT_CODES.ok
}

function creator({ createdBy }: ApiToken): string {
  if (createdBy === undefined) return '-'
  if (createdBy.credentials === 'token') return `token ${cleanText(createdBy.name ?? createdBy.id ?? '')}`
  return { session: 'a session', local: 'the local owner', issuer: 'an issuer' }[createdBy.credentials]
}

const day = (iso: string) => iso.slice(0, 10)
