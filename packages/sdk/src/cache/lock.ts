import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { sleep } from '../http/retry.ts'

interface Owner {
  id: string
  host: string
  pid: number
  /** When the process started, as the kernel counts it: a reused pid is another process. Empty where it is not known. */
  startedAt: string
}

export interface LockOptions {
  signal?: AbortSignal
  /** How long an owner may be silent before the lock is taken from it, in milliseconds. Default 60,000. */
  staleMs?: number
  /** Between two looks at a lock that someone holds, in milliseconds. Default 100. */
  pollMs?: number
}

/**
 * Runs `work` while this process holds the lock file. A lock whose owner is dead (same machine) or silent is taken over.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const { signal, staleMs = 60_000, pollMs = 100 } = options
  const owner: Owner = { id: randomUUID(), host: hostname(), pid: process.pid, startedAt: processStart(process.pid) }
  while (!(await tryCreate(file, owner))) {
    if (await isStale(file, staleMs)) await takeAway(file, staleMs)
    else await sleep(pollMs, signal ? { signal } : {})
  }
  // The file's time is the owner's sign of life for machines that cannot see its process.
  const beat = setInterval(() => {
    const now = new Date()
    utimes(file, now, now).catch(() => {})
  }, staleMs / 4)
  beat.unref()
  try {
    return await work()
  } finally {
    clearInterval(beat)
    const held = await readOwner(file)
    if (held?.id === owner.id) await rm(file, { force: true })
  }
}

async function tryCreate(file: string, owner: Owner): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify(owner), { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

async function isStale(file: string, staleMs: number): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined)
  if (stats === undefined) return false
  if (Date.now() - stats.mtimeMs > staleMs) return true
  const owner = await readOwner(file)
  // Half written: its owner is at it, or died at it and its time will tell.
  if (owner === undefined || owner.host !== hostname()) return false
  return !isAlive(owner)
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

/** Removes a stale lock; only one process may, or the second would remove the first one's new lock. */
async function takeAway(file: string, staleMs: number): Promise<void> {
  const guard = `${file}.takeover`
  try {
    await mkdir(guard)
  } catch {
    const stats = await stat(guard).catch(() => undefined)
    if (stats !== undefined && Date.now() - stats.mtimeMs > 10_000) await rmdir(guard).catch(() => {})
    await sleep(20)
    return
  }
  try {
    if (await isStale(file, staleMs)) await rm(file, { force: true })
  } finally {
    await rmdir(guard).catch(() => {})
  }
}
