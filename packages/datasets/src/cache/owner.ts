import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'

/** The owner of a lock or mark, as in its file. */
export interface Owner {
  id: string
  /** Where the pid is valid: the machine and, on Linux, the namespace of process ids. */
  host: string
  pid: number
  /** Start time of the process in the units of the kernel, because pids are reused. Empty where it is unknown. */
  startedAt: string
}

export function createOwner(): Owner {
  return { id: randomUUID(), host: thisHost(), pid: process.pid, startedAt: processStart(process.pid) }
}

/** Containers in the network of their machine share its host name, but do not see each other's processes. */
export function thisHost(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

export async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

/** Whether the owner of this file has ended, or belongs to another machine and sent no heartbeat for `staleMs`. */
export async function isAbandoned(file: string, staleMs: number): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined)
  if (stats === undefined) return false
  const owner = await readOwner(file)
  // A partly written file has no owner: then its time decides.
  if (owner?.host === thisHost()) return !isAlive(owner)
  return Date.now() - stats.mtimeMs > staleMs
}

/** Whether the process of an owner on this machine runs. A zombie has ended. */
function isAlive({ pid, startedAt }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return startedAt === '' || processStart(pid) === startedAt
}

/** Field 22 of /proc/{pid}/stat; empty for a zombie. The name before it can contain spaces and parentheses. */
function processStart(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}
