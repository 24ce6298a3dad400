import { mkdir, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import { sleep } from '../transfer/retry.ts'
import { createOwner, isAbandoned, type Owner, readOwner } from './owner.ts'

export interface LockOptions {
  signal?: AbortSignal | undefined
  /** How long a lock of another machine is valid without a heartbeat, in milliseconds. Default 60,000. */
  staleMs?: number | undefined
  /** Interval for checking a lock that another process holds, in milliseconds. Default 100. */
  pollMs?: number | undefined
}

/**
 * Runs `work` while this process holds the lock file. A lock whose owner has ended (same machine) or sends no heartbeat
 * (another machine) is taken over.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const { signal, staleMs = 60_000, pollMs = 100 } = options
  const owner = createOwner()
  while (!(await tryCreate(file, owner))) {
    if (await isAbandoned(file, staleMs)) await takeAway(file, staleMs)
    else await sleep(pollMs, { signal })
  }
  return holding(file, owner, staleMs, work)
}

/** {@link withLock} without waiting: undefined when another process holds the lock. */
export async function tryWithLock<T>(
  file: string,
  work: () => Promise<T>,
  { staleMs = 60_000 }: Pick<LockOptions, 'staleMs'> = {},
): Promise<T | undefined> {
  const owner = createOwner()
  if (!(await tryCreate(file, owner))) {
    if (!(await isAbandoned(file, staleMs))) return undefined
    await takeAway(file, staleMs)
    if (!(await tryCreate(file, owner))) return undefined
  }
  return holding(file, owner, staleMs, work)
}

/** A lock that this process holds until `release`, or the process that holds it. */
export type Hold = { isHeld: true; release(): Promise<void> } | { isHeld: false; by: Owner | undefined }

/**
 * Takes a lock for as long as this process needs it. The lock of a process that has ended is taken over. Waits only for a
 * lock of another machine or container, whose processes cannot be seen: until it sends no heartbeat for `staleMs`.
 */
export async function hold(file: string, { signal, staleMs = 60_000, pollMs = 100 }: LockOptions = {}): Promise<Hold> {
  const owner = createOwner()
  const endsAt = performance.now() + staleMs * 1.25
  while (!(await tryCreate(file, owner))) {
    if (await isAbandoned(file, staleMs)) {
      await takeAway(file, staleMs)
      continue
    }
    const by = await readOwner(file)
    if (by?.host === owner.host || performance.now() > endsAt) return { isHeld: false, by }
    await sleep(pollMs, { signal })
  }
  const stopBeating = beat(file, staleMs / 4)
  return {
    isHeld: true,
    async release() {
      stopBeating()
      const held = await readOwner(file)
      if (held?.id === owner.id) await rm(file, { force: true })
    },
  }
}

async function holding<T>(file: string, owner: Owner, staleMs: number, work: () => Promise<T>): Promise<T> {
  const stopBeating = beat(file, staleMs / 4)
  try {
    return await work()
  } finally {
    stopBeating()
    const held = await readOwner(file)
    if (held?.id === owner.id) await rm(file, { force: true })
  }
}

/** Updates the time of the file regularly, as a heartbeat for other machines. Returns a function that stops it. */
export function beat(file: string, everyMs: number): () => void {
  const timer = setInterval(() => {
    const now = new Date()
    utimes(file, now, now).catch(() => {})
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
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

/** Removes a stale lock. Only one process at a time, because a second one could remove the new lock of the first. */
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
    if (await isAbandoned(file, staleMs)) await rm(file, { force: true })
  } finally {
    await rmdir(guard).catch(() => {})
  }
}
