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
  isUntouched,
  readEntry,
  reopenEntry,
  touchEntry,
} from './stored-entry.ts'
import type { StoredFile } from './stored-file.ts'

/** A dataset in the cache: the raw files, and what was read from them. */
export interface CacheEntry {
  /** Read-only. */
  dir: string
  index: DatasetIndex
  conversion?: Conversion | undefined
  /** Says that this process needs it no longer: from then on it may be evicted. */
  release(): Promise<void>
}

export interface OpenCacheEntryOptions {
  /** `DATASET_CACHE_DIR` */
  cacheDir: string
  /** `DATASET_VERSION_HASH` */
  versionHash: string
  /** What the whole cache may take; after a fill, what was not used for longest goes. Default: no limit. */
  maxBytes?: number | undefined
  signal?: AbortSignal | undefined
  staleLockMs?: number
  /** Entries that stay, whatever the limit. */
  keep?: readonly string[]
  onWarning?: (message: string) => void
}

export interface FilledEntry {
  index: DatasetIndex
  files: StoredFile[]
  /** There when it was not downloaded, but made of another entry. */
  conversion?: Conversion
}

/**
 * The entry of a dataset version; `fill` puts it there when it is missing or damaged. Concurrent jobs share one fill, and
 * one that was cut short goes on with the files that are there.
 */
export async function openCacheEntry(
  options: OpenCacheEntryOptions,
  fill: (dir: string) => Promise<FilledEntry>,
): Promise<CacheEntry> {
  const { cacheDir, versionHash, maxBytes, signal, staleLockMs, keep = [], onWarning = () => {} } = options
  const entry = join(cacheDir, versionHash)
  const dir = filesDir(entry)
  const lock = { ...(signal ? { signal } : {}), ...(staleLockMs === undefined ? {} : { staleMs: staleLockMs }) }
  let isFilled = false

  const open = () =>
    withLock(
      `${entry}.lock`,
      async (): Promise<CacheEntry> => {
        // Before it is looked at: who evicts holds the same lock and looks at the marks.
        const { release } = await markInUse(entry)
        try {
          const found = await findEntry(entry)
          if (found.type === 'complete') {
            await touchEntry(entry)
            return { dir, index: found.index, conversion: found.conversion, release }
          }
          if (found.type === 'damaged') onWarning(`The cached dataset is damaged and is made again: ${found.why}`)
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
      lock,
    )

  try {
    await mkdir(cacheDir, { recursive: true })
    const opened = await open().catch(async (error: unknown) => {
      if (!(error instanceof ResourceError)) throw error
      // The disk is full: whatever nobody uses makes room, and what is there of this one is kept.
      const { removed } = await pruneCache({ cacheDir, maxBytes: 0, keep: [versionHash, ...keep] })
      if (removed.length === 0) throw error
      onWarning(`The disk is full; ${removed.length} cached datasets were removed to make room`)
      return open()
    })
    if (isFilled && maxBytes !== undefined) await pruneCache({ cacheDir, maxBytes, keep }).catch(() => {})
    return opened
  } catch (error) {
    // A cache that is filled by someone else and only shown to us: what is complete in it can be used.
    if (!isReadOnlyError(error)) throw error
    const shown = await showEntry(cacheDir, versionHash)
    if (shown === undefined) throw error
    return shown
  }
}

/** An entry of a cache that somebody else fills and looks after. Undefined when it is not there whole. */
export async function showEntry(cacheDir: string, key: string): Promise<CacheEntry | undefined> {
  const entry = join(cacheDir, key)
  const found = await readEntry(entry)
  if (found === undefined) return undefined
  return { dir: filesDir(entry), index: found.index, conversion: found.conversion, release: async () => {} }
}

/**
 * Keeps an entry from being removed until `release`, for somebody who only reads it. Undefined when it is not complete or
 * somebody was at it: then it is to be filled first. Waits for whoever fills it right now.
 */
export async function holdEntry(
  { cacheDir, key }: { cacheDir: string; key: string },
  options: LockOptions = {},
): Promise<{ release(): Promise<void> } | undefined> {
  await mkdir(cacheDir, { recursive: true })
  const entry = join(cacheDir, key)
  const look = async () => {
    const mark = await markInUse(entry)
    if (await isUntouched(entry)) {
      await touchEntry(entry)
      return mark
    }
    await mark.release()
    return undefined
  }
  return withLock(`${entry}.lock`, look, options)
}

/** Whether somebody else owns the cache, and only shows it. */
export function isReadOnlyError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EROFS', 'EACCES', 'EPERM'].includes(String(error.code))
}
