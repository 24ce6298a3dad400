import { existsSync } from 'node:fs'
import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { isHttpUrl, redact } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import type { CliIo } from '../command-line/io.ts'

export interface DoctorCheck {
  name: string
  status: 'ok' | 'problem' | 'skipped'
  /** What was found. */
  text: string
  /** For a problem: what to do. */
  help?: string | undefined
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

/** Checks that the programs of the entry points are installed. */
export function checkEntrypoints(manifest: TrainerManifest, io: CliIo): DoctorCheck {
  const name = 'Entry points'
  const programs = new Set<string>()
  for (const argv of Object.values(manifest.entrypoints)) {
    if (argv === undefined) continue
    const [program = '', ...args] = argv
    // This command line runs `trainyard exec`; the program after its `--` must be installed.
    const behind = program === 'trainyard' ? args[args.indexOf('--') + 1] : program
    if (behind !== undefined) programs.add(behind)
  }
  const missing = [...programs].filter((program) => !isInstalled(program, io))
  if (missing.length === 0) return { name, status: 'ok', text: [...programs].join(', ') }
  const text = `${missing.join(', ')} is not in PATH`
  return { name, status: 'problem', text, help: 'Install it, or change the program in trainer.json' }
}

function isInstalled(program: string, { env, cwd }: CliIo): boolean {
  if (program.includes('/')) return existsSync(resolve(cwd, program))
  return (env.PATH ?? '').split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, program)))
}

/** Checks that a folder, or its closest existing parent, is writable and has free space. */
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
      const help = `Free space, or set ${setting} to a folder on another disk`
      return { name, status: 'problem', text: `${dir} has only ${formatBytes(free)} left`, help }
    }
    return { name, status: 'ok', text: `${dir}, ${formatBytes(free)} free` }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const help = `Make the folder writable for this user, or set ${setting} to another folder`
    return { name, status: 'problem', text: `${dir} is not writable (${why})`, help }
  }
}

export interface ServerToCheck {
  name: string
  url: string | undefined
  setting: string
  /** A path that this kind of server answers. */
  path: string
  token?: string | undefined
}

export async function checkServer(server: ServerToCheck, fetcher: typeof fetch = fetch): Promise<DoctorCheck> {
  const { name, url, setting, path, token } = server
  if (!url) return { name, status: 'skipped', text: `${setting} is not set, and no login is saved` }
  const shown = redact(url)
  const problem = (text: string, help: string): DoctorCheck => ({ name, status: 'problem', text, help })
  if (!isHttpUrl(url)) return problem(`${setting} is "${shown}"`, 'Set it to an http or https URL')
  const headers = new Headers()
  if (token) headers.set('authorization', `Bearer ${token}`)
  try {
    const response = await fetcher(url.replace(/\/+$/, '') + path, {
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    const { ok, status } = response
    if (ok) return { name, status: 'ok', text: token ? `${shown}, accepts the token` : shown }
    if (status !== 401 && status !== 403)
      return problem(
        `${shown} answers ${status} to ${path}`,
        `Check ${setting}: it is not the address of a ${name.toLowerCase()}`,
      )
    if (!token) return { name, status: 'ok', text: `${shown}, requires a token` }
    return problem(
      `${shown} refuses the token (${status})`,
      'Create a new token, and run "trainyard login" with it, or set TRAINYARD_TOKEN or TRAINYARD_TOKEN_FILE to it',
    )
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const why = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : String(cause)
    return problem(`${shown} does not answer (${why})`, `Start it, or correct ${setting}`)
  }
}
