import { parseArgs } from 'node:util'
import { createClient } from '@trainyard/client'
import { isHttpUrl } from '@trainyard/contract'
import { askSecret } from '../ask-secret.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { readToken } from '../connection.ts'
import { writeLogin } from '../settings-file.ts'
import { cleanText, createPaint } from '../terminal.ts'

const help = `Usage: trainyard login URL [options]

Keeps the address of a server, and a token for it, for the commands that follow. Nothing is kept that the server refuses.
Without an option the token comes from TRAINYARD_TOKEN or TRAINYARD_TOKEN_FILE; a server on this machine may need none.

Options:
  --email ADDRESS  Sign in with e-mail and password: it is asked for, or read from standard input
  --token-stdin    Ask for a token, or read it from standard input
  --registry URL   Address of the registry, where it is another server. Default: URL
  -h, --help       Show this

Examples:
  trainyard login http://127.0.0.1:7600
  trainyard login https://trainyard.example.com --email ada@example.com
  trainyard login https://trainyard.example.com --token-stdin < token.txt
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { registry: { type: 'string' }, email: { type: 'string' }, 'token-stdin': { type: 'boolean' } },
  })
  const [url, ...others] = positionals
  if (url === undefined) throw new UsageError('which server? Give its address, for example http://127.0.0.1:7600')
  if (others.length > 0) throw new UsageError(`one server at a time: "${others[0]}" is too many`)
  for (const address of [url, values.registry])
    if (address !== undefined && !isHttpUrl(address))
      throw new UsageError(`the address is "${address}": wanted is an http or https address`)
  if (values.email !== undefined && values['token-stdin']) throw new UsageError('--email or --token-stdin, not both')

  const addresses = { runnerUrl: url, registryUrl: values.registry ?? url }
  const token = await findToken(values, io, (password) =>
    createClient(addresses).identity.createSession({ email: values.email ?? '', password }),
  )
  // Asks the server before anything is kept: a wrong address or token is told now.
  const { account } = await createClient({ ...addresses, token }).identity.me()
  const name = account === undefined ? undefined : (account.email ?? account.displayName)
  const file = await writeLogin(io.env, {
    url,
    ...(values.registry === undefined ? {} : { registryUrl: values.registry }),
    ...(token === undefined ? {} : { token }),
    ...(name === undefined ? {} : { account: name }),
  })
  const paint = createPaint(io.stdout, io.env)
  const as = name === undefined ? '' : ` as ${cleanText(name)}`
  io.stdout.write(`${paint('green', 'Logged in')} to ${url}${as}. Kept in ${file}\n`)
  return CLI_EXIT_CODES.ok
}

async function findToken(
  values: { email?: string; 'token-stdin'?: boolean },
  io: CliIo,
  signIn: (password: string) => Promise<{ secret: string }>,
): Promise<string | undefined> {
  if (values.email !== undefined) return (await signIn(await askSecret('password', io))).secret
  return values['token-stdin'] ? await askSecret('token', io) : await readToken(io)
}
