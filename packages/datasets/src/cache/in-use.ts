import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beat } from './lock.ts'
import { createOwner, isAbandoned } from './owner.ts'

/**
 * How long a mark of another machine is valid without a heartbeat, in milliseconds. A training that computes without a
 * pause sends none.
 */
const STALE_MARK_MS = 3_600_000

/** Marks an entry as in use until `release` is called or this process ends. */
export async function markInUse(entry: string): Promise<{ release(): Promise<void> }> {
  const folder = usersDir(entry)
  const owner = createOwner()
  const file = join(folder, owner.id)
  await mkdir(folder, { recursive: true })
  await writeFile(file, JSON.stringify(owner))
  const stopBeating = beat(file, STALE_MARK_MS / 12)
  return {
    async release() {
      stopBeating()
      await rm(file, { force: true })
      await rmdir(folder).catch(() => {})
    },
  }
}

/** The number of processes that use an entry. Marks of ended processes are removed. */
export async function countUsers(entry: string): Promise<number> {
  const folder = usersDir(entry)
  let users = 0
  for (const name of await readdir(folder).catch((): string[] => [])) {
    const file = join(folder, name)
    if (await isAbandoned(file, STALE_MARK_MS)) await rm(file, { force: true }).catch(() => {})
    else users++
  }
  return users
}

function usersDir(entry: string): string {
  return `${entry}.users`
}
