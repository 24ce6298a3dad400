import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beat } from './lock.ts'
import { createOwner, isAbandoned } from './owner.ts'

/**
 * How long a mark of a machine that we cannot look into is believed without a sign of life, in milliseconds: a training
 * that computes without a pause gives none.
 */
const STALE_MARK_MS = 3_600_000

/** Marks an entry as in use until `release` is called or this process is gone. */
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

/** How many processes use an entry. Marks of those that are gone are removed. */
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
