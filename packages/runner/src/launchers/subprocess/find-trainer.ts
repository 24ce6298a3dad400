import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** Process name of bubblewrap. */
const SANDBOX_NAME = 'bwrap'

/**
 * Finds the trainer's process, given the process that the shim started. Without a sandbox it is that process. With one, it is
 * the first child of the process that is process 1 in the sandbox. Undefined: the sandbox is not complete yet.
 */
export async function findTrainer(pid: number): Promise<number | undefined> {
  let current = pid
  for (let depth = 0; depth < 3; depth++) {
    if ((await nameOf(current)) !== SANDBOX_NAME) return current
    const children = await childrenOf(current)
    const next = await firstOf(children)
    if (next === undefined) return undefined
    current = next
  }
  return undefined
}

/** The oldest child. Orphans in the sandbox become children of the same parent later. */
async function firstOf(children: readonly number[]): Promise<number | undefined> {
  for (const pid of children) {
    const inner = await innerPid(pid)
    if (inner === undefined || inner <= 2) return pid
  }
  return undefined
}

async function nameOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  return basename(text.trim())
}

/** The process id in the process's own namespace. Undefined: it is in the runner's namespace. */
async function innerPid(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const ids = /^NSpid:\s+(.+)$/m.exec(status)?.[1]?.trim().split(/\s+/) ?? []
  return ids.length > 1 ? Number(ids.at(-1)) : undefined
}

async function childrenOf(parent: number): Promise<number[]> {
  const children: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The name in parentheses can contain spaces, so fields are counted after it.
    if (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent)) children.push(Number(name))
  }
  return children.sort((a, b) => a - b)
}

/** Whether the process is the trainer with this work folder. False on systems without /proc. */
export async function runsIn(pid: number, workDir: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return environment.split('\0').includes(`WORK_DIR=${workDir}`)
}
