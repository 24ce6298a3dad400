import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { countUsers } from './in-use.ts'
import { type Conversion, filesDir, readComplete } from './stored-entry.ts'

/** One dataset version in the cache, or a conversion of one. */
export interface CachedDataset {
  /** The dataset's; a conversion has a key of its own in its place. */
  versionHash: string
  /** Of which entry this is a conversion, to what. */
  conversion?: Conversion
  /** Folder of its files. */
  dir: string
  /** "incomplete": being filled, or a fill was cut short. */
  state: 'complete' | 'incomplete'
  sizeBytes: number
  fileCount: number
  lastUsedAt: Date
  /** Processes that use it now. */
  users: number
  /** Whether someone holds its lock: fills it, or removes it. */
  isLocked: boolean
}

/** What is in the cache, the most recently used first. A folder that is not there is an empty cache. */
export async function listCache(cacheDir: string): Promise<CachedDataset[]> {
  const names = await readdir(cacheDir).catch((): string[] => [])
  const entries: CachedDataset[] = []
  for (const versionHash of names.filter((name) => /^[0-9a-f]{64}$/.test(name))) {
    const found = await describe(cacheDir, versionHash)
    if (found !== undefined) entries.push(found)
  }
  return entries.sort((a, b) => b.lastUsedAt.getTime() - a.lastUsedAt.getTime())
}

async function describe(cacheDir: string, versionHash: string): Promise<CachedDataset | undefined> {
  const entry = join(cacheDir, versionHash)
  const complete = await readComplete(entry)
  const at = await stat(complete ? join(entry, 'complete.json') : entry).catch(() => undefined)
  // It has just been removed.
  if (at === undefined) return undefined
  const { sizeBytes, fileCount } = complete ?? (await measure(filesDir(entry)))
  return {
    versionHash,
    ...(complete?.conversion === undefined ? {} : { conversion: complete.conversion }),
    dir: filesDir(entry),
    state: complete ? 'complete' : 'incomplete',
    sizeBytes,
    fileCount,
    lastUsedAt: at.mtime,
    users: await countUsers(entry),
    isLocked: existsSync(`${entry}.lock`),
  }
}

async function measure(dir: string): Promise<{ sizeBytes: number; fileCount: number }> {
  let sizeBytes = 0
  let fileCount = 0
  for (const item of await readdir(dir, { withFileTypes: true, recursive: true }).catch(() => [])) {
    if (!item.isFile()) continue
    fileCount++
    sizeBytes += (await stat(join(item.parentPath, item.name)).catch(() => undefined))?.size ?? 0
  }
  return { sizeBytes, fileCount }
}
