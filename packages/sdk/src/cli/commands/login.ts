import { parseArgs } from 'node:util'
import { createClient } from '../../client/index.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { readToken } from '../connection.ts'
import { writeLogin } from '../settings-file.ts'
import { createPaint } from '../terminal.ts'

const help = `Usage: trainyard login URL [options]

Keeps the address of a server, and a token for it, for the commands that follow. Nothing is kept that the server refuses.
The token comes from TRAINYARD_TOKEN, TRAINYARD_TOKEN_FILE, or standard input with --token-stdin; a server on this machine
may need none.

Options:
  --registry URL   Address of the registry, where it is another server. Default: URL
  --token-stdin    Read the token from standard input
  -h, --help       Show this

Examples:
  trainyard login http://127.0.0.1:7600
  trainyard login https://trainyard.example.com --token-stdin < token.txt
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { registry: { type: 'string' }, 'token-stdin': { type: 'boolean' } },
  })
  const [url, ...others] = positionals
  if (url === undefined) throw new UsageError('which server? Give its address, for example http://127.0.0.1:7600')
  if (others.length > 0) throw new UsageError(`one server at a time: "${others[0]}" is too many`)
  for (const address of [url, values.registry])
    if (address !== undefined && !(URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)))
      throw new UsageError(`the address is "${address}": wanted is an http or https address`)
  const token = values['token-stdin'] ? await readAll(io) : await readToken(io)
  const client = createClient({ runnerUrl: url, registryUrl: values.registry ?? url, token })
  // Asks the server before anything is kept: a wrong address or token is told now.
  await client.jobs.list({ limit: 1 })
  const file = await writeLogin(io.env, {
    url,
    ...(values.registry === undefined ? {} : { registryUrl: values.registry }),
    ...(token === undefined ? {} : { token }),
  })
  const paint = createPaint(io.stdout, io.env)
  io.stdout.write(
    `${paint('green', 'Logged in')} to ${url}${token === undefined ? ' without a token' : ''}. Kept in ${file}\n`,
  )
  return CLI_EXIT_CODES.ok
}

async function readAll({ stdin }: CliIo): Promise<string> {
  const chunks: string[] = []
  for await (const chunk of stdin ?? []) {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'))
    if (chunks.join('').length > 10_000) throw new UsageError('standard input holds more than a token')
  }
  const text = chunks.join('').trim()
  if (text === '') throw new UsageError('standard input is empty: wanted is a token')
  return text
}
