import { randomUUID } from 'node:crypto'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { countUsers } from './in-use.ts'
import { type CachedDataset, listCache } from './list-cache.ts'
import { tryWithLock } from './lock.ts'
import { removeFolder } from './stored-entry.ts'

export interface PruneCacheOptions {
  cacheDir: string
  /** Size to keep, in bytes. 0 removes everything that is not in use. */
  maxBytes: number
  /** Keys of entries to keep. */
  keep?: readonly string[] | undefined
  /** Only report what would be removed. Default false. */
  dryRun?: boolean | undefined
}

export interface PrunedCache {
  /** The removed entries, the least recently used first. */
  removed: CachedDataset[]
  /** Remaining size in bytes. More than the limit when all entries are in use. */
  keptBytes: number
}

/** Removes the least recently used entries until the cache is within its limit. Entries in use or being filled are kept. */
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
    // A conversion is only used together with its dataset.
    for (const other of entries) if (other.conversion?.of === dataset.versionHash) await tryRemove(other)
  }
  return { removed, keptBytes }
}

/** Removes an entry that is not in use. Returns false when it is in use or locked. */
export async function removeEntry(entry: string): Promise<boolean> {
  const trash = `${entry}.trash-${randomUUID()}`
  // Opening an entry marks it under the same lock, so no process can start to use it between the check and the rename.
  const isOurs = await tryWithLock(`${entry}.lock`, async () => {
    if ((await countUsers(entry)) > 0) return false
    await rename(entry, trash)
    return true
  })
  if (isOurs !== true) return false
  await removeFolder(trash)
  return true
}

/** Removes what an interrupted removal left. */
async function removeTrash(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir).catch((): string[] => [])) {
    if (/^[0-9a-f]{64}\.trash-/.test(name)) await removeFolder(join(cacheDir, name)).catch(() => {})
  }
}
