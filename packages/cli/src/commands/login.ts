import { createClient } from '@trainyard/client'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { checkAddress, readToken } from '../server/connection.ts'
import { writeLogin } from '../server/login-file.ts'
import { findOwnerToken } from '../server/owner-token.ts'
import { askSecret } from '../terminal/ask-secret.ts'
import { createPaint } from '../terminal/paint.ts'
import { printJson } from '../terminal/table.ts'
import { cleanText } from '../terminal/text.ts'

interface LoginInput {
  url: string
  email: string | undefined
  tokenStdin: boolean
  registry: string | undefined
  json: boolean
}

export async function run(input: LoginInput, io: CliIo): Promise<number> {
  const url = checkAddress(input.url, 'URL')
  const registry = input.registry === undefined ? undefined : checkAddress(input.registry, '--registry')
  const addresses = { runnerUrl: url, registryUrl: registry ?? url }
  const token = await findToken(input, io, (email, password) =>
    createClient(addresses).identity.createSession({ email, password }),
  )
  // A wrong address or token is refused here, before anything is saved.
  const known = token ?? (await findOwnerToken(url, io.env))
  const { account } = await createClient({ ...addresses, token: known }).identity.me()
  const name = account === undefined ? undefined : (account.email ?? account.displayName)
  const file = await writeLogin(io.env, { url, registryUrl: registry, token, account: name })
  if (input.json) {
    printJson(io, { url, registryUrl: registry, account: name, file })
    return EXIT_CODES.ok
  }
  const paint = createPaint(io.stdout, io.env)
  const as = name === undefined ? '' : ` as ${cleanText(name)}`
  io.stdout.write(`${paint('green', 'Logged in')} to ${url}${as}. Saved in ${file}\n`)
  return EXIT_CODES.ok
}

async function findToken(
  { email, tokenStdin }: LoginInput,
  io: CliIo,
  signIn: (email: string, password: string) => Promise<{ secret: string }>,
): Promise<string | undefined> {
  if (email !== undefined && tokenStdin) throw new UsageError('--email and --token-stdin exclude each other')
  if (email !== undefined) return (await signIn(email, await askSecret('password', io))).secret
  return tokenStdin ? await askSecret('token', io) : await readToken(io)
}
