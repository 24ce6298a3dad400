import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ConfigError, type Logger } from '@trainyard/platform'
import type { SandboxChoice } from './config.ts'
import { hiddenPaths, shownPaths } from './hidden-paths.ts'
import type { Sandbox } from './sandbox.ts'

/** Read-only /proc: root needs no capability for /proc/sys, where it could name a program that the kernel runs as root. */
const OWN_PROCESSES = ['--unshare-pid', '--proc', '/proc', '--remount-ro', '/proc']
const OWN_NETWORK = '--unshare-net'

/** From the strictest to the weakest. Trainers that can create user namespaces reach more of the kernel's code. */
const LEVELS = [
  { args: ['--unshare-user', '--disable-userns', ...OWN_PROCESSES], ownPids: true },
  { args: ['--unshare-user', ...OWN_PROCESSES], ownPids: true },
  { args: OWN_PROCESSES, ownPids: true },
  { args: ['--unshare-user', '--ro-bind', '/proc', '/proc'], ownPids: false },
  { args: ['--ro-bind', '/proc', '/proc'], ownPids: false },
]

export interface FindSandboxOptions {
  choice: SandboxChoice
  /** The runner's own folders, which trainers must not see. */
  dataDirs: readonly string[]
  logger: Pick<Logger, 'info' | 'warn'>
  /** Default: `bwrap`, found through PATH. */
  program?: string | undefined
  /** Hides the whole home folder. Default: false, which hides only the usual places of keys. */
  hideHome?: boolean | undefined
}

/** Tries what the kernel allows this user. Undefined: trainers run without a sandbox, and the log says why. */
export async function findSandbox(options: FindSandboxOptions): Promise<Sandbox | undefined> {
  const { choice, dataDirs, logger, program = 'bwrap', hideHome = false } = options
  if (choice === 'none') return undefined
  let problem = 'it exists on Linux only'
  if (process.platform === 'linux') {
    for (const { args, ownPids } of LEVELS) {
      problem = await tryLevel(program, args)
      if (problem !== '') continue
      if (!ownPids)
        logger.warn('bubblewrap cannot create a process namespace here: trainers see the processes of this machine')
      const ownNetwork = (await tryLevel(program, [...args, OWN_NETWORK])) === ''
      logger.info({ ownPids, ownNetwork }, 'trainers run in bubblewrap')
      const hidden = hiddenPaths(dataDirs, hideHome)
      return { program, processes: args, ownPids, ownNetwork, hidden, shown: shownPaths() }
    }
  }
  const reason = `bubblewrap cannot be used here: ${problem}`
  if (choice === 'bubblewrap')
    throw new ConfigError(
      `SUBPROCESS_SANDBOX is "bubblewrap", but ${reason}. Install bubblewrap and allow user namespaces; otherwise expected "auto" or "none"`,
    )
  logger.warn(
    `${reason}. Trainers run without a sandbox and can do what this user can: run only trainers that you trust`,
  )
  return undefined
}

/** The error message, or an empty string if it works. */
async function tryLevel(program: string, args: readonly string[]): Promise<string> {
  try {
    const sandbox = ['--ro-bind', '/', '/', '--dev', '/dev', ...args, '--unshare-ipc', '--cap-drop', 'ALL']
    const command = [...sandbox, '--die-with-parent', '--', '/bin/sh', '-c', ':']
    await promisify(execFile)(program, command, { timeout: 10_000 })
    return ''
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return `the program "${program}" was not found`
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    return stderr === '' ? String(error) : stderr
  }
}
