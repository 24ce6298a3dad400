import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError } from '@trainyard/contract/trainer-errors'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import { markInUse } from './in-use.ts'
import { type LockOptions, withLock } from './lock.ts'
import { pruneCache } from './prune-cache.ts'
import {
  type Conversion,
  completeEntry,
  filesDir,
  findEntry,
  isIntact,
  readEntry,
  reopenEntry,
  touchEntry,
} from './stored-entry.ts'
import type { StoredFile } from './stored-file.ts'

/** A dataset in the cache: the files, and the index of their content. */
export interface CacheEntry {
  /** Read-only. */
  dir: string
  index: DatasetIndex
  conversion?: Conversion | undefined
  /** Marks that this process no longer needs the entry, so that it can be evicted. */
  release(): Promise<void>
}

export interface OpenCacheEntryOptions {
  /** `DATASET_CACHE_DIR` */
  cacheDir: string
  /** `DATASET_VERSION_HASH` */
  versionHash: string
  /** Size limit of the whole cache. After a fill, the least recently used entries are removed. Default: no limit. */
  maxBytes?: number | undefined
  signal?: AbortSignal | undefined
  staleLockMs?: number | undefined
  /** Entries that are never removed. */
  keep?: readonly string[] | undefined
  onWarning?: ((message: string) => void) | undefined
}

export interface FilledEntry {
  index: DatasetIndex
  files: StoredFile[]
  /** For an entry that was converted from another one. */
  conversion?: Conversion | undefined
}

/**
 * Opens the entry of a dataset version. `fill` creates it when it is missing or damaged. Concurrent jobs share one fill, and
 * an interrupted fill continues with the files that exist.
 */
export async function openCacheEntry(
  options: OpenCacheEntryOptions,
  fill: (dir: string) => Promise<FilledEntry>,
): Promise<CacheEntry> {
  const { cacheDir, versionHash, maxBytes, signal, staleLockMs, keep = [], onWarning = () => {} } = options
  const entry = join(cacheDir, versionHash)
  const dir = filesDir(entry)
  let isFilled = false

  const open = () =>
    withLock(
      `${entry}.lock`,
      async (): Promise<CacheEntry> => {
        // Marked before it is checked: eviction takes the same lock and skips marked entries.
        const { release } = await markInUse(entry)
        try {
          const found = await findEntry(entry)
          if (found.type === 'complete') {
            await touchEntry(entry)
            return { dir, index: found.index, conversion: found.conversion, release }
          }
          if (found.type === 'damaged') onWarning(`The cached dataset is damaged and is created again: ${found.why}`)
          await reopenEntry(entry)
          await mkdir(dir, { recursive: true })
          const filled = await fill(dir)
          await completeEntry(entry, filled)
          isFilled = true
          return { dir, index: filled.index, conversion: filled.conversion, release }
        } catch (error) {
          await release()
          throw error
        }
      },
      { signal, staleMs: staleLockMs },
    )

  try {
    await mkdir(cacheDir, { recursive: true })
    const opened = await open().catch(async (error: unknown) => {
      if (!(error instanceof ResourceError)) throw error
      // The disk is full: unused entries are removed. The files of this entry are kept.
      const { removed } = await pruneCache({ cacheDir, maxBytes: 0, keep: [versionHash, ...keep] })
      if (removed.length === 0) throw error
      onWarning(`The disk is full; ${removed.length} cached datasets were removed to make room`)
      return open()
    })
    if (isFilled && maxBytes !== undefined) await pruneCache({ cacheDir, maxBytes, keep }).catch(() => {})
    return opened
  } catch (error) {
    // The cache is read-only here, and another process fills it: a complete entry can be used.
    if (!isReadOnlyError(error)) throw error
    const shown = await showEntry(cacheDir, versionHash)
    if (shown === undefined) throw error
    return shown
  }
}

/** Opens an entry of a read-only cache that another process fills. Undefined when it is not complete. */
export async function showEntry(cacheDir: string, key: string): Promise<CacheEntry | undefined> {
  const entry = join(cacheDir, key)
  const found = await readEntry(entry)
  if (found === undefined) return undefined
  return { dir: filesDir(entry), index: found.index, conversion: found.conversion, release: async () => {} }
}

/**
 * Keeps an entry from being removed until `release`. Undefined when it is not complete or was modified: then it must be
 * filled first. Waits for a fill that is in progress.
 */
export async function holdEntry(
  { cacheDir, key }: { cacheDir: string; key: string },
  options: LockOptions = {},
): Promise<{ release(): Promise<void> } | undefined> {
  await mkdir(cacheDir, { recursive: true })
  const entry = join(cacheDir, key)
  const check = async () => {
    const mark = await markInUse(entry)
    if (await isIntact(entry)) {
      await touchEntry(entry)
      return mark
    }
    await mark.release()
    return undefined
  }
  return withLock(`${entry}.lock`, check, options)
}

/** Whether an error means that the cache is read-only for this process. */
export function isReadOnlyError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EROFS', 'EACCES', 'EPERM'].includes(String(error.code))
}
