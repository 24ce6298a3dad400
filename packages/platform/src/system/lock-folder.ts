import { createHash, randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { errorCode } from './describe-error.ts'
import { ensureWritableFolder } from './folders.ts'
import { processIdentity } from './process-identity.ts'

const Owner = z.object({ pid: z.number().int(), identity: z.string(), nonce: z.string() })
type Owner = z.infer<typeof Owner>

export interface FolderLock {
  release(): Promise<void>
}

export interface LockFolderOptions {
  /** Name of the lock file. Default: `trainyard.lock`. */
  fileName?: string | undefined
}

/**
 * Makes this process the only owner of a folder, until it releases the lock or ends. A stale lock is broken, also when
 * another program has the pid of its owner by now.
 *
 * @throws ConfigError that names the owner's pid
 */
export async function lockFolder(
  dir: string,
  { fileName = 'trainyard.lock' }: LockFolderOptions = {},
): Promise<FolderLock> {
  await ensureWritableFolder(dir, 'the data folder')
  const path = join(dir, fileName)
  const identity = await processIdentity(process.pid)
  const mine: Owner = { pid: process.pid, identity: identity ?? 'unknown', nonce: randomUUID() }
  for (let tries = 0; tries < 50; tries++) {
    if (await claim(path, mine)) return { release: () => release(path, mine) }
    const owner = await readOwner(path)
    if (owner === undefined) continue
    if (await isAlive(owner)) {
      throw new ConfigError(
        `${dir} is in use by another Trainyard (process ${owner.pid}); stop it first, or choose another data folder`,
      )
    }
    await breakLock(path, owner, mine)
  }
  throw new ConfigError(`${path} keeps changing; make sure that only one Trainyard uses ${dir}`)
}

/** Uses a hard link, which is created atomically or fails when the name exists: no reader sees a partial file. */
async function claim(path: string, owner: Owner): Promise<boolean> {
  const draft = `${path}.${owner.nonce}`
  await writeFile(draft, JSON.stringify(owner), { mode: 0o600 })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return Owner.parse(JSON.parse(text))
  } catch {
    // Not written by us, or truncated by a crash of the machine: it has no owner.
    return { pid: 0, identity: '', nonce: '' }
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  return (await processIdentity(owner.pid)) === owner.identity
}

/**
 * Removes a stale lock. Several processes can find the same one, and a slow process must not remove the lock that a fast one
 * has created in the meantime. So a process first takes a second lock, named by the nonce of the stale one, and then checks the
 * nonce again. The second lock of a process that died is broken in the same way.
 */
async function breakLock(path: string, stale: Owner, mine: Owner): Promise<void> {
  const breakerLock = `${path}.${createHash('sha256').update(stale.nonce).digest('hex').slice(0, 24)}`
  if (!(await claim(breakerLock, mine))) {
    const breaker = await readOwner(breakerLock)
    if (breaker !== undefined && !(await isAlive(breaker))) await breakLock(breakerLock, breaker, mine)
    return
  }
  try {
    if ((await readOwner(path))?.nonce === stale.nonce) await rm(path, { force: true })
  } finally {
    await rm(breakerLock, { force: true })
  }
}

async function release(path: string, mine: Owner): Promise<void> {
  const owner = await readOwner(path)
  if (owner?.nonce === mine.nonce) await rm(path, { force: true })
}
