import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createClient, type TrainyardClient, TrainyardClientError } from '@trainyard/client'
import { isHttpUrl } from '@trainyard/contract'
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
  const url = given || env.TRAINYARD_RUNNER || env.TRAINYARD_REGISTRY || (await readLogin(env))?.url
  if (!url) throw new UsageError('no server: run "trainyard login URL", use --url URL, or set TRAINYARD_RUNNER')
  checkAddress(url)
  return url
}

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
  const registryUrl = given || io.env.TRAINYARD_REGISTRY || login?.registryUrl || login?.url
  if (!registryUrl)
    throw new UsageError('no registry: run "trainyard login URL", use --url URL, or set TRAINYARD_REGISTRY')
  checkAddress(registryUrl)
  const known = givenToken ?? (await readToken(io)) ?? savedToken(login, registryUrl)
  return { registryUrl, token: known ?? (await findOwnerToken(registryUrl, io.env)) }
}

export function checkAddress(url: string): void {
  if (!isHttpUrl(url))
    throw new UsageError(`the address is "${url}": expected an http or https URL such as http://127.0.0.1:7600`)
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
