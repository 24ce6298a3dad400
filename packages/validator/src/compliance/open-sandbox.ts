import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, cp, lstat, mkdir, readdir, stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join, relative, sep } from 'node:path'
import type { IgnoreRules } from '@trainyard/contract'
import { describeSandbox, detectIsolation, removeCgroupParent, type SubprocessIsolation } from '@trainyard/runner'
import { SandboxUnavailableError } from '../errors.ts'
import type { SandboxOptions } from './sandbox-choice.ts'

/** The sandbox of one run. */
export interface RunSandbox {
  readonly isolation: SubprocessIsolation
  /** Describes the sandbox to people. */
  readonly note: string
  close(): Promise<void>
}

const MAX_PROCESSES = 1024
const DEFAULT_MEMORY_MB = 8192
const MAX_DISK_GB = 20

/**
 * Finds out which means of isolation this machine offers. Where `hiddenDirs` hold what is of others, root without a sandbox runs trainers
 * as users of their own, which can enter `workDir`.
 */
export async function openSandbox(options: SandboxOptions, workDir: string): Promise<RunSandbox> {
  const { choice, hiddenDirs, readPaths = [], allowUnsandboxed = true, path } = options
  const isOff = choice === 'off'
  if (hiddenDirs.length > 0) await chmod(workDir, 0o711)
  const warnings: string[] = []
  const logger = {
    info: () => undefined,
    warn: (...args: unknown[]) => void warnings.push(String(args.findLast((arg) => typeof arg === 'string'))),
  }
  const isolation = await detectIsolation(
    {
      sandbox: isOff ? 'none' : 'auto',
      network: isOff ? 'shared' : 'auto',
      gpuDevices: [],
      readPaths,
      limits: { processes: MAX_PROCESSES, diskGb: MAX_DISK_GB },
    },
    {
      dataDirs: [...hiddenDirs, workDir],
      instanceId: `validator-${randomBytes(4).toString('hex')}`,
      logger,
      path,
      workDir,
    },
  )
  const { sandbox, cgroups, weakness } = isolation
  const isComplete = sandbox !== undefined && isolation.egress !== undefined
  if (choice === 'required' && !isComplete) {
    const why = weakness ?? warnings[0] ?? 'trainers would share the network of this machine'
    throw new SandboxUnavailableError(`a sandbox is required, but cannot be created on this machine: ${why}`)
  }
  if (choice === 'auto' && sandbox === undefined && !allowUnsandboxed)
    throw new SandboxUnavailableError(
      `no sandbox here: this machine cannot isolate trainers of others, so they are not run. ${weakness}, or set SUBPROCESS_ALLOW_UNSANDBOXED=true if you trust everyone who can publish`,
    )
  return {
    isolation,
    note: describe(isolation, isOff),
    async close() {
      if (cgroups !== undefined) await removeCgroupParent(cgroups)
    },
  }
}

function describe({ sandbox, cgroups, egress, weakness }: SubprocessIsolation, isOff: boolean): string {
  const limits =
    cgroups === undefined
      ? 'memory limited for each process (no control group)'
      : 'memory and processes limited together'
  if (sandbox === undefined)
    return isOff
      ? `not sandboxed (turned off): the trainer had the permissions of this user; ${limits}`
      : `not sandboxed: ${weakness}`
  const { systemCalls, user } = describeSandbox(sandbox)
  const network = egress === undefined ? 'network of this machine' : 'own network'
  return `sandboxed: ${sandbox.kind}, own processes, ${network}, system calls ${systemCalls}, user: ${user}, ${limits}`
}

/** The declared memory of a trainer, but at most 80 % of the machine's. */
export function memoryLimit(declaredMb: number | undefined): number {
  const most = Math.floor((totalmem() / 1024 ** 2) * 0.8)
  return Math.min(declaredMb ?? DEFAULT_MEMORY_MB, most)
}

/** Not copied, because they are large, and tools write into them automatically. */
const NOT_COPIED = new Set(['node_modules', '.git', '.trainyard', '.venv', 'venv'])

/**
 * Makes a writable copy of a trainer's folder, without what is ignored. `shown` are names of folders that are mounted instead of
 * copied: an author's own run needs them, although they are not published. With `isWhole`, there are none.
 */
export async function copyTrainer(
  dir: string,
  copy: string,
  isIgnored: IgnoreRules = () => false,
  isWhole = false,
): Promise<{ dir: string; shown: readonly string[] }> {
  await mkdir(copy, { recursive: true })
  const entries = isWhole ? [] : await readdir(dir, { withFileTypes: true })
  const shown = entries.filter((entry) => entry.isDirectory() && NOT_COPIED.has(entry.name)).map(({ name }) => name)
  await cp(dir, copy, {
    recursive: true,
    // Copy on write, where the file system supports it.
    mode: constants.COPYFILE_FICLONE,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    filter: async (source) => {
      const path = relative(dir, source).split(sep).join('/')
      if (path === '' || shown.includes(path)) return path === ''
      return !isIgnored(path, (await lstat(source)).isDirectory())
    },
  })
  for (const name of shown) await mkdir(join(copy, name), { recursive: true })
  // Each operation runs as a user of its own, if this process is root. No other user can enter the folder around it.
  if (process.getuid?.() === 0) await makeWritable(copy)
  return { dir: copy, shown }
}

async function makeWritable(dir: string): Promise<void> {
  await chmod(dir, 0o777)
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) await makeWritable(path)
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode | 0o666)
  }
}
