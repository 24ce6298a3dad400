import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createClient, type TrainyardClient, TrainyardClientError } from '@trainyard/client'
import { isHttpUrl } from '@trainyard/contract'
import { type CliIo, UsageError } from './command.ts'
import { readLogin, type SavedLogin } from './settings-file.ts'

/** Options of every command that talks to a server. */
export const connectionOptions = {
  url: { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean' },
} as const

export const CONNECTION_HELP = `  --url URL        Address of the runner. Default: TRAINYARD_RUNNER, TRAINYARD_REGISTRY, then what "trainyard login" keeps
  --token TOKEN    Default: TRAINYARD_TOKEN, what TRAINYARD_TOKEN_FILE holds, then what "trainyard login" keeps.
                   Other users of the machine can see a command line: prefer the others
  --json           Print one JSON document instead of lines for people
  -h, --help       Show this`

export interface ConnectionValues {
  url?: string | undefined
  token?: string | undefined
}

/** A client of the server that the command line, the environment or an earlier login names; the nearest one wins. */
export async function connect(values: ConnectionValues, io: CliIo): Promise<TrainyardClient> {
  const { env } = io
  const login = await readLogin(env)
  const url = values.url || env.TRAINYARD_RUNNER || env.TRAINYARD_REGISTRY || login?.url
  if (!url) throw new UsageError('which server? Run "trainyard login URL", give --url URL, or set TRAINYARD_RUNNER')
  if (!isHttpUrl(url))
    throw new UsageError(`the address is "${url}": wanted is an http or https address such as http://127.0.0.1:7600`)
  const token = values.token ?? (await readToken(io)) ?? savedToken(login, url)
  return createClient({ runnerUrl: url, registryUrl: env.TRAINYARD_REGISTRY || (login?.registryUrl ?? url), token })
}

/** A saved token is for the server that it was saved with: no other address gets it. */
export function savedToken(login: SavedLogin | undefined, url: string): string | undefined {
  return login !== undefined &&
    [login.url, login.registryUrl].some((known) => known !== undefined && new URL(known).origin === new URL(url).origin)
    ? login.token
    : undefined
}

/** From TRAINYARD_TOKEN, or the file that TRAINYARD_TOKEN_FILE names. */
export async function readToken({ env, cwd }: Pick<CliIo, 'env' | 'cwd'>): Promise<string | undefined> {
  if (env.TRAINYARD_TOKEN) return env.TRAINYARD_TOKEN.trim()
  if (!env.TRAINYARD_TOKEN_FILE) return undefined
  const file = resolve(cwd, env.TRAINYARD_TOKEN_FILE)
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new TrainyardClientError('no_token', `TRAINYARD_TOKEN_FILE names ${file}, which cannot be read`, { cause })
  }
}
