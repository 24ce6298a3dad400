import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createClient, type TrainyardClient, TrainyardClientError } from '@trainyard/client'
import { isHttpUrl, redact } from '@trainyard/contract'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { readLogin, type SavedLogin } from './login-file.ts'
import { findOwnerToken } from './owner-token.ts'

/** The values of the options `--url` and `--token`. */
export interface ServerValues {
  url: string | undefined
  token: string | undefined
}

/** The address of the server that the options, the environment or the login name, in this order. */
export async function findServer({ url: given }: Pick<ServerValues, 'url'>, { env }: CliIo): Promise<string> {
  const address =
    addressOf(given, '--url') ??
    addressOf(env.TRAINYARD_RUNNER, 'TRAINYARD_RUNNER') ??
    addressOf(env.TRAINYARD_REGISTRY, 'TRAINYARD_REGISTRY') ??
    addressOf((await readLogin(env))?.url, SAVED_ADDRESS)
  if (address === undefined)
    throw new UsageError('no server: run "trainyard login URL", use --url URL, or set TRAINYARD_RUNNER')
  return checkAddress(address.url, address.source)
}

/** Names the source of an address in messages, like the name of a variable. */
export const SAVED_ADDRESS = 'the address saved by "trainyard login"'

const addressOf = (url: string | undefined, source: string) => (url ? { url, source } : undefined)

/** A client of the server, see {@link findServer}. */
export async function connect({ url: given, token: givenToken }: ServerValues, io: CliIo): Promise<TrainyardClient> {
  const { env } = io
  const login = await readLogin(env)
  const url = await findServer({ url: given }, io)
  const token = givenToken ?? (await readToken(io)) ?? savedToken(login, url) ?? (await findOwnerToken(url, env))
  return createClient({ runnerUrl: url, registryUrl: env.TRAINYARD_REGISTRY || (login?.registryUrl ?? url), token })
}

/** The registry that the options, the environment or the login name, in this order, and the token for it. */
export async function findRegistry(
  { url: given, token: givenToken }: ServerValues,
  io: CliIo,
): Promise<{ registryUrl: string; token: string | undefined }> {
  const login = await readLogin(io.env)
  const address =
    addressOf(given, '--url') ??
    addressOf(io.env.TRAINYARD_REGISTRY, 'TRAINYARD_REGISTRY') ??
    addressOf(login?.registryUrl ?? login?.url, SAVED_ADDRESS)
  if (address === undefined)
    throw new UsageError('no registry: run "trainyard login URL", use --url URL, or set TRAINYARD_REGISTRY')
  const registryUrl = checkAddress(address.url, address.source)
  const known = givenToken ?? (await readToken(io)) ?? savedToken(login, registryUrl)
  return { registryUrl, token: known ?? (await findOwnerToken(registryUrl, io.env)) }
}

/** The address of a server: scheme, host and port. Throws {@link UsageError} that names `source` and the address to use. */
export function checkAddress(text: string, source: string): string {
  if (!isHttpUrl(text)) {
    const guess = `http://${text}`
    const isHost = !text.includes('://') && /^[\w.[\]:-]*\w\]?(:\d+)?(\/|$)/.test(text) && URL.canParse(guess)
    const hint = isHost && /[.:]|^localhost/.test(text) ? `; did you mean "${new URL(guess).origin}"?` : ''
    throw new UsageError(
      `${source} is "${redact(text)}": expected an http or https URL such as http://127.0.0.1:7600${hint}`,
    )
  }
  const { origin, pathname, search, hash, username, password } = new URL(text)
  if (username !== '' || password !== '')
    throw new UsageError(`${source} contains a user name or password: use ${origin}, and --token or TRAINYARD_TOKEN`)
  if (pathname === '/' && search === '' && hash === '') return origin
  throw new UsageError(
    `${source} is "${redact(text)}": expected the address of a server, without a path: use ${origin}`,
  )
}

/** A saved token belongs to the server that it was saved with. No other address gets it. */
export function savedToken(login: SavedLogin | undefined, url: string): string | undefined {
  const isKnown = [login?.url, login?.registryUrl].some(
    (known) => known !== undefined && new URL(known).origin === new URL(url).origin,
  )
  return isKnown ? login?.token : undefined
}

/** The token of TRAINYARD_TOKEN, or of the file that TRAINYARD_TOKEN_FILE names. */
export async function readToken({ env, cwd }: Pick<CliIo, 'env' | 'cwd'>): Promise<string | undefined> {
  if (env.TRAINYARD_TOKEN) return env.TRAINYARD_TOKEN.trim()
  if (!env.TRAINYARD_TOKEN_FILE) return undefined
  const file = resolve(cwd, env.TRAINYARD_TOKEN_FILE)
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new TrainyardClientError('no_token', `the token file ${file} (TRAINYARD_TOKEN_FILE) cannot be read`, {
      cause,
    })
  }
}
