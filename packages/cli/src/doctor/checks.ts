import { existsSync } from 'node:fs'
import { access, constants, mkdtemp, readFile, rm, statfs } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { isHttpUrl, redact } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import type { CliIo } from '../command.ts'

export interface DoctorCheck {
  name: string
  status: 'ok' | 'problem' | 'skipped'
  /** What was seen. */
  text: string
  /** With a problem: what to do. */
  help?: string
}

const MIN_NODE_MAJOR = 22
const MIN_FREE_BYTES = 1e9
const TIMEOUT_MS = 5000

export function checkNode(version: string = process.versions.node): DoctorCheck {
  const name = 'Node.js'
  if (Number.parseInt(version, 10) >= MIN_NODE_MAJOR) return { name, status: 'ok', text: version }
  const help = `Install Node.js ${MIN_NODE_MAJOR} or newer: https://nodejs.org`
  return { name, status: 'problem', text: `${version} is too old`, help }
}

/** Whether the programs that the entry points name are there. */
export function checkEntrypoints(manifest: TrainerManifest, io: CliIo): DoctorCheck {
  const name = 'Entry points'
  const programs = new Set<string>()
  for (const argv of Object.values(manifest.entrypoints)) {
    if (argv === undefined) continue
    const [program = '', ...args] = argv
    // This very command line runs `trainyard exec`; what matters is the program behind it.
    const behind = program === 'trainyard' ? args[args.indexOf('--') + 1] : program
    if (behind !== undefined) programs.add(behind)
  }
  const missing = [...programs].filter((program) => !isInstalled(program, io))
  if (missing.length === 0) return { name, status: 'ok', text: [...programs].join(', ') }
  const text = `${missing.join(', ')} is not in PATH`
  return { name, status: 'problem', text, help: 'Install it, or name another program in trainer.json' }
}

function isInstalled(program: string, { env, cwd }: CliIo): boolean {
  if (program.includes('/')) return existsSync(resolve(cwd, program))
  return (env.PATH ?? '').split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, program)))
}

/** Whether a folder, or the one that it would be made in, can be written to. */
export async function checkFolder(name: string, dir: string, setting: string): Promise<DoctorCheck> {
  let existing = dir
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
  try {
    await access(existing, constants.W_OK)
    const probe = await mkdtemp(join(existing, '.trainyard-doctor-'))
    await rm(probe, { recursive: true, force: true })
    const { bavail, bsize } = await statfs(existing)
    const free = bavail * bsize
    if (free < MIN_FREE_BYTES) {
      const help = `Make room, or set ${setting} to a folder on another disk`
      return { name, status: 'problem', text: `${dir} has only ${formatBytes(free)} left`, help }
    }
    return { name, status: 'ok', text: `${dir}, ${formatBytes(free)} free` }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const help = `Give the folder to this user, or set ${setting} to another one`
    return { name, status: 'problem', text: `${dir} cannot be written to (${why})`, help }
  }
}

export interface ServerToCheck {
  name: string
  url: string | undefined
  setting: string
  /** Something that it answers when it is what it should be. */
  path: string
  token?: string | undefined
}

export async function checkServer(server: ServerToCheck, fetcher: typeof fetch = fetch): Promise<DoctorCheck> {
  const { name, url, setting, path, token } = server
  if (!url) return { name, status: 'skipped', text: `${setting} is not set` }
  if (!isHttpUrl(url)) {
    return { name, status: 'problem', text: `${setting} is "${redact(url)}"`, help: 'Give an http or https address' }
  }
  const shown = redact(url)
  try {
    const response = await fetcher(url.replace(/\/+$/, '') + path, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    if (response.ok) return { name, status: 'ok', text: token ? `${shown}, and it takes the token` : shown }
    if (response.status === 401 || response.status === 403) {
      if (!token) return { name, status: 'ok', text: `${shown}, which wants a token` }
      const help = 'Make a new token, and set TRAINYARD_TOKEN or TRAINYARD_TOKEN_FILE to it'
      return { name, status: 'problem', text: `${shown} refuses the token (${response.status})`, help }
    }
    const help = `See whether ${setting} is right: ${path} should be there`
    return { name, status: 'problem', text: `${shown} answers ${response.status} to ${path}`, help }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const why = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : String(cause)
    return { name, status: 'problem', text: `${shown} does not answer (${why})`, help: `Start it, or set ${setting}` }
  }
}

export async function readToken({ env, cwd }: CliIo): Promise<{ token?: string; check?: DoctorCheck }> {
  if (env.TRAINYARD_TOKEN) return { token: env.TRAINYARD_TOKEN.trim() }
  if (!env.TRAINYARD_TOKEN_FILE) return {}
  const file = resolve(cwd, env.TRAINYARD_TOKEN_FILE)
  try {
    return { token: (await readFile(file, 'utf8')).trim() }
  } catch {
    const help = 'Write the token into it, or set TRAINYARD_TOKEN_FILE to the file that holds it'
    return { check: { name: 'Token', status: 'problem', text: `${file} cannot be read`, help } }
  }
}
