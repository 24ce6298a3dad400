import { randomUUID } from 'node:crypto'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { countUsers } from './in-use.ts'
import { type CachedDataset, listCache } from './list-cache.ts'
import { tryWithLock } from './lock.ts'
import { removeFolder } from './stored-entry.ts'

export interface PruneCacheOptions {
  cacheDir: string
  /** What may stay, in bytes: 0 removes everything that is not in use. */
  maxBytes: number
  /** Version hashes that stay, whatever the limit. */
  keep?: readonly string[]
  /** Says what would go, and removes nothing. Default false. */
  dryRun?: boolean
}

export interface PrunedCache {
  /** What was removed, the least recently used first. */
  removed: CachedDataset[]
  /** What stays, in bytes: more than the limit when all of it is in use. */
  keptBytes: number
}

/** Removes what was not used for longest until the cache is within its limit; never what is in use or being filled. */
export async function pruneCache(options: PruneCacheOptions): Promise<PrunedCache> {
  const { cacheDir, maxBytes, keep = [], dryRun = false } = options
  if (!dryRun) await removeTrash(cacheDir)
  const entries = await listCache(cacheDir)
  let keptBytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const removed: CachedDataset[] = []
  const tryRemove = async (dataset: CachedDataset) => {
    if (removed.includes(dataset) || dataset.users > 0 || keep.includes(dataset.versionHash)) return
    const isRemoved = dryRun ? !dataset.isLocked : await removeEntry(join(cacheDir, dataset.versionHash))
    if (!isRemoved) return
    removed.push(dataset)
    keptBytes -= dataset.sizeBytes
  }
  for (const dataset of entries.toReversed()) {
    if (keptBytes <= maxBytes) break
    await tryRemove(dataset)
    if (!removed.includes(dataset)) continue
    // Nobody asks for a conversion without its dataset.
    for (const other of entries) if (other.conversion?.of === dataset.versionHash) await tryRemove(other)
  }
  return { removed, keptBytes }
}

/** Removes an entry that nobody uses; false when it was not to be had. */
export async function removeEntry(entry: string): Promise<boolean> {
  const trash = `${entry}.trash-${randomUUID()}`
  // Whoever opens an entry marks it under the same lock: nobody can begin to use it between the look and the rename.
  const isOurs = await tryWithLock(`${entry}.lock`, async () => {
    if ((await countUsers(entry)) > 0) return false
    await rename(entry, trash)
    return true
  })
  if (isOurs !== true) return false
  await removeFolder(trash)
  return true
}

/** What someone began to remove and did not finish. */
async function removeTrash(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir).catch((): string[] => [])) {
    if (/^[0-9a-f]{64}\.trash-/.test(name)) await removeFolder(join(cacheDir, name)).catch(() => {})
  }
}
