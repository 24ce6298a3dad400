import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { cp, mkdir, readdir } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { detectIsolation, removeCgroupParent, type SubprocessIsolation } from '@trainyard/runner'
import { SandboxUnavailableError } from '../errors.ts'
import type { SandboxOptions } from './sandbox-choice.ts'

/** The sandbox of one run. */
export interface RunSandbox {
  readonly isolation: SubprocessIsolation
  /** Describes the sandbox to people. */
  readonly note: string
  close(): Promise<void>
}

/** Includes threads. */
export const MAX_PROCESSES = 1024
const DEFAULT_MEMORY_MB = 8192

/** Finds out which means of isolation this machine offers. */
export async function openSandbox({ choice, hiddenDirs, hideHome }: SandboxOptions): Promise<RunSandbox> {
  const warnings: string[] = []
  const logger = {
    info: () => undefined,
    warn: (...args: unknown[]) => void warnings.push(String(args.findLast((arg) => typeof arg === 'string'))),
  }
  const isolation = await detectIsolation(
    { sandbox: choice === 'off' ? 'none' : 'auto', network: choice === 'off' ? 'shared' : 'auto', gpuDevices: [] },
    { dataDirs: hiddenDirs, instanceId: `validator-${randomBytes(4).toString('hex')}`, logger, hideHome },
  )
  const { sandbox, cgroups } = isolation
  const isComplete = sandbox?.ownPids === true && isolation.egress !== undefined
  if (choice === 'required' && !isComplete) {
    const why = warnings[0] ?? 'bubblewrap is not available'
    throw new SandboxUnavailableError(`a sandbox is required, but cannot be created on this machine: ${why}`)
  }
  const limits =
    cgroups === undefined ? 'memory and processes are not limited (no control group)' : 'memory and processes limited'
  let note: string
  if (sandbox !== undefined) {
    const processes = sandbox.ownPids ? 'own processes' : 'processes of this machine visible'
    const network = isolation.egress === undefined ? 'network of this machine' : 'own network'
    note = `sandboxed: bubblewrap, ${processes}, ${network}, ${limits}`
  } else if (choice === 'off') {
    note = `not sandboxed (turned off): the trainer had the permissions of this user; ${limits}`
  } else {
    note = `not sandboxed: ${warnings[0] ?? 'bubblewrap is not available'}`
  }
  return {
    isolation,
    note,
    async close() {
      if (cgroups !== undefined) await removeCgroupParent(cgroups)
    },
  }
}

/** The declared memory of a trainer, but at most 80 % of the machine's. */
export function memoryLimit(declaredMb: number | undefined): number {
  const most = Math.floor((totalmem() / 1024 ** 2) * 0.8)
  return Math.min(declaredMb ?? DEFAULT_MEMORY_MB, most)
}

/** Not copied, because they are large, and tools write into them automatically. */
const NOT_COPIED = new Set(['node_modules', '.git', '.trainyard', '.venv', 'venv'])

/** Makes a writable copy of a trainer's folder. `shown` are names of folders that are mounted instead of copied. */
export async function copyTrainer(dir: string, copy: string): Promise<{ dir: string; shown: readonly string[] }> {
  await mkdir(copy, { recursive: true })
  const entries = await readdir(dir, { withFileTypes: true })
  const shown = entries.filter((entry) => entry.isDirectory() && NOT_COPIED.has(entry.name)).map(({ name }) => name)
  await cp(dir, copy, {
    recursive: true,
    // Copy on write, where the file system supports it.
    mode: constants.COPYFILE_FICLONE,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    filter: (source) => !shown.includes(relative(dir, source)),
  })
  for (const name of shown) await mkdir(join(copy, name), { recursive: true })
  return { dir: copy, shown }
}
