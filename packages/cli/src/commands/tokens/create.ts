import { parseArgs } from 'node:util'
import { CreateTokenRequest, TokenScope } from '@trainyard/contract'
import { defined, parseNumber } from '../../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson } from '../../table.ts'
import { cleanText } from '../../terminal.ts'

const help = `Usage: trainyard tokens create NAME --scope SCOPE [--scope SCOPE …] [options]

Makes a token and prints its secret, this once, and nothing else, on standard output.

Options:
  --scope SCOPE        jobs:read, jobs:write, datasets:read, datasets:write, pull:NAMESPACE, push:NAMESPACE, admin:ORGANISATION;
                       "*" is every namespace or organisation of yours
  --days N             It ends after so many days. Default: it does not end
  --organisation NAME  Of use in this organisation alone
  --project NAME       Of use in this project alone: "organisation/project"
${CONNECTION_HELP}

Examples:
  trainyard tokens create nightly --scope jobs:write --scope datasets:read --days 90 > token.txt
  trainyard tokens create ci --scope push:acme --organisation acme
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...connectionOptions,
      scope: { type: 'string', multiple: true },
      days: { type: 'string' },
      organisation: { type: 'string' },
      project: { type: 'string' },
    },
  })
  const [name, ...others] = positionals
  if (name === undefined) throw new UsageError('what is it for? Give it a name: trainyard tokens create nightly …')
  if (others.length > 0) throw new UsageError(`one token at a time: "${others[0]}" is too many`)
  const scopes = values.scope ?? []
  if (scopes.length === 0) throw new UsageError('what may it do? Say it with --scope, such as --scope jobs:write')
  for (const scope of scopes) {
    const wrong = TokenScope.safeParse(scope).error?.issues[0]
    if (wrong !== undefined) throw new UsageError(`--scope is "${scope}": it ${wrong.message}`)
  }
  const expiresInDays = parseNumber(values.days, '--days', { min: 1, max: 3650, isWhole: true })
  const { organisation, project } = values
  const request = CreateTokenRequest.safeParse({ name, scopes, ...defined({ expiresInDays, organisation, project }) })
  if (!request.success) {
    const [issue] = request.error.issues
    throw new UsageError(`${issue?.path.join('.') ?? 'the token'}: ${issue?.message ?? 'not valid'}`)
  }
  const made = await (await connect(values, io)).tokens.create(request.data)
  if (values.json) printJson(io, made)
  else {
    io.stdout.write(`${made.secret}\n`)
    io.stderr.write(`Token ${made.id} "${cleanText(made.name)}" is made; its secret is not shown again.\n`)
  }
  return CLI_EXIT_CODES.ok
}
