import { existsSync } from 'node:fs'
import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import type { CliIo } from '../command-line/io.ts'
import { isOldNode, MIN_NODE } from '../version.ts'

export interface DoctorCheck {
  name: string
  status: 'ok' | 'problem' | 'skipped'
  /** What was found. */
  text: string
  /** What to do. For a check that is ok: what does not work, and how it would. */
  help?: string | undefined
}

const MIN_FREE_BYTES = 1e9

export function checkNode(version: string = process.versions.node): DoctorCheck {
  const name = 'Node.js'
  if (!isOldNode(version)) return { name, status: 'ok', text: version }
  const help = `Install Node.js ${MIN_NODE} or newer: https://nodejs.org`
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
