import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { INIT } from './sandbox/util-linux.ts'

/** Process name of bubblewrap. */
const BUBBLEWRAP = 'bwrap'

/**
 * Finds the trainer's process, given the process that the shim started. Without a sandbox it is that process. With one, it is
 * the first child of the process that is process 1 in the sandbox. Undefined: the sandbox is not complete yet.
 */
export async function findTrainer(pid: number): Promise<number | undefined> {
  let current = pid
  for (let depth = 0; depth < 4; depth++) {
    if (!(await isSandbox(current))) return current
    const children = await childrenOf(current)
    const next = await firstOf(children)
    if (next === undefined) return undefined
    current = next
  }
  return undefined
}

/** Whether a process prepares the sandbox, or waits in it for the trainer. */
async function isSandbox(pid: number): Promise<boolean> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  if (basename(name.trim()) === BUBBLEWRAP) return true
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return line.split('\0').includes(INIT)
}

/** The child with the lowest id in its own namespace. Orphans become children of the same parent later. */
async function firstOf(children: readonly number[]): Promise<number | undefined> {
  const inner = await Promise.all(children.map(async (pid) => ({ pid, id: await innerPid(pid) })))
  return inner.sort((a, b) => a.id - b.id)[0]?.pid
}

/** The process id in the process's own namespace. */
async function innerPid(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1] ?? pid)
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

/** Whether the process is the trainer that reads this token. False on systems without /proc. */
export async function reads(pid: number, tokenFile: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return environment.split('\0').includes(`CALLBACK_TOKEN_FILE=${tokenFile}`)
}
