import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'

/** Whose a lock or a mark is; what its file holds. */
export interface Owner {
  id: string
  /** Where its pid means something: machine and, where there is one, namespace of process ids. */
  host: string
  pid: number
  /** When the process started, as the kernel counts it: a reused pid is another process. Empty where it is not known. */
  startedAt: string
}

export function createOwner(): Owner {
  return { id: randomUUID(), host: thisHost(), pid: process.pid, startedAt: processStart(process.pid) }
}

/** Two containers with the network of their machine have one name, and yet do not see each other's processes. */
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

/** Whether the owner of this file is dead, as far as we can see it, or has given no sign of life for `staleMs`. */
export async function isAbandoned(file: string, staleMs: number): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined)
  if (stats === undefined) return false
  const owner = await readOwner(file)
  // Half written: its owner is at it, or died at it and its time will tell.
  if (owner?.host === thisHost()) return !isAlive(owner)
  return Date.now() - stats.mtimeMs > staleMs
}

function isAlive({ pid, startedAt }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return startedAt === '' || processStart(pid) === startedAt
}

/** Field 22 of /proc/{pid}/stat; the name before it may hold spaces and parentheses. */
function processStart(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
