import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { cp, mkdir, readdir } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { findMeans, removeCgroupParent, type SubprocessMeans } from '@trainyard/runner'
import type { SandboxOptions } from './sandbox-choice.ts'

/** What a run's trainers are kept in, and how to say it. */
export interface RunSandbox {
  readonly means: SubprocessMeans
  /** A sentence for people. */
  readonly note: string
  close(): Promise<void>
}

/** Threads count too. */
export const MAX_PROCESSES = 1024
const DEFAULT_MEMORY_MB = 8192

/** Finds what this machine has to keep the trainers of one run apart. */
export async function openSandbox({ choice, hiddenDirs, hideHome }: SandboxOptions): Promise<RunSandbox> {
  const warnings: string[] = []
  const logger = {
    info: () => undefined,
    warn: (...told: unknown[]) => void warnings.push(String(told.findLast((part) => typeof part === 'string'))),
  }
  const means = await findMeans(
    { sandbox: choice === 'off' ? 'none' : 'auto', network: choice === 'off' ? 'shared' : 'auto', gpuDevices: [] },
    { dataDirs: hiddenDirs, instanceId: `validator-${randomBytes(4).toString('hex')}`, logger, hideHome },
  )
  const { sandbox, cgroups } = means
  const isWhole = sandbox?.ownPids === true && means.egress !== undefined
  if (choice === 'required' && !isWhole) {
    const why = warnings[0] ?? 'bubblewrap cannot be used here'
    throw new SandboxMissing(`trainers have to run in a sandbox, and that is not possible here: ${why}`)
  }
  const limits =
    cgroups === undefined ? 'memory and processes are not limited (no control group)' : 'memory and processes limited'
  return {
    means,
    note:
      sandbox !== undefined
        ? [
            `sandboxed: bubblewrap, ${sandbox.ownPids ? 'own processes' : 'sees the processes of this machine'}`,
            `${means.egress === undefined ? 'network of this machine' : 'own network'}, ${limits}`,
          ].join(', ')
        : choice === 'off'
          ? `not sandboxed (turned off): the trainer could do what this user can; ${limits}`
          : `not sandboxed: ${warnings[0] ?? 'bubblewrap cannot be used here'}`,
    async close() {
      if (cgroups !== undefined) await removeCgroupParent(cgroups)
    },
  }
}

/** A required sandbox that cannot be made. */
class SandboxMissing extends Error {
  override readonly name = 'SandboxMissing'
}

/** What a trainer may use: what it declares, and no more than most of the machine. */
export function memoryLimit(declaredMb: number | undefined): number {
  const most = Math.floor((totalmem() / 1024 ** 2) * 0.8)
  return Math.min(declaredMb ?? DEFAULT_MEMORY_MB, most)
}

/** Not copied: large, and interpreters and package managers write into them by themselves. */
const NOT_COPIED = new Set(['node_modules', '.git', '.trainyard', '.venv', 'venv'])

/** A copy of a trainer's folder to write into, and what of the folder is shown in its place, by name. */
export async function copyTrainer(dir: string, copy: string): Promise<{ dir: string; shown: readonly string[] }> {
  await mkdir(copy, { recursive: true })
  const entries = await readdir(dir, { withFileTypes: true })
  const shown = entries.filter((entry) => entry.isDirectory() && NOT_COPIED.has(entry.name)).map(({ name }) => name)
  await cp(dir, copy, {
    recursive: true,
    // Where the file system can, a copy costs nothing until it is written to.
    mode: constants.COPYFILE_FICLONE,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    filter: (source) => !shown.includes(relative(dir, source)),
  })
  for (const name of shown) await mkdir(join(copy, name), { recursive: true })
  return { dir: copy, shown }
}
