import { CreateTokenRequest, TokenScope } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'

interface CreateTokenInput extends ServerValues {
  name: string
  scope: string[]
  days: number | undefined
  organisation: string | undefined
  project: string | undefined
  json: boolean
}

export async function run(input: CreateTokenInput, io: CliIo): Promise<number> {
  const request = readRequest(input)
  const token = await (await connect(input, io)).tokens.create(request)
  if (input.json) printJson(io, token)
  else {
    io.stdout.write(`${token.secret}\n`)
    io.stderr.write(`Created token ${token.id} "${cleanText(token.name)}". Its secret cannot be shown again.\n`)
  }
  return EXIT_CODES.ok
}

function readRequest({ name, scope: scopes, days, organisation, project }: CreateTokenInput): CreateTokenRequest {
  if (scopes.length === 0) throw new UsageError('no scope: use --scope SCOPE, such as --scope jobs:write')
  for (const scope of scopes) {
    const issue = TokenScope.safeParse(scope).error?.issues[0]
    if (issue !== undefined) throw new UsageError(`--scope is "${scope}": it ${issue.message}`)
  }
  const request = CreateTokenRequest.safeParse({ name, scopes, expiresInDays: days, organisation, project })
  if (request.success) return request.data
  const [issue] = request.error.issues
  throw new UsageError(`${issue?.path.join('.') ?? 'the token'}: ${issue?.message ?? 'invalid'}`)
}
