import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { countUsers } from './in-use.ts'
import { type Conversion, filesDir, readComplete } from './stored-entry.ts'

/** One dataset version in the cache, or a conversion of one. */
export interface CachedDataset {
  /** Hash of the dataset version. For a conversion, its own key. */
  versionHash: string
  /** For a conversion: its source and format. */
  conversion?: Conversion | undefined
  /** Folder of its files. */
  dir: string
  /** "incomplete": being filled, or its fill was interrupted. */
  state: 'complete' | 'incomplete'
  sizeBytes: number
  fileCount: number
  lastUsedAt: Date
  /** Number of processes that use it now. */
  users: number
  /** Whether a process holds its lock, to fill or to remove it. */
  isLocked: boolean
}

/** The entries of the cache, the most recently used first. A missing folder is an empty cache. */
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
  // It was removed in the meantime.
  if (at === undefined) return undefined
  const { sizeBytes, fileCount } = complete ?? (await measure(filesDir(entry)))
  return {
    versionHash,
    conversion: complete?.conversion,
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
