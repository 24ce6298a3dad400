import { chmodSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetIndex } from '../dataset/index-dataset.ts'
import { withLock } from './lock.ts'

/** Layout of `complete.json`; another number means that the entry is filled again. */
const ENTRY_VERSION = 1

/** A dataset in the cache: the raw files, and what was read from them. */
export interface CacheEntry {
  /** Read-only. */
  dir: string
  index: DatasetIndex
}

interface StoredEntry {
  version: number
  index: Omit<DatasetIndex, 'samples'>
  /** [name, classId, split] */
  samples: [string, number, DatasetIndex['samples'][number]['split']][]
}

export interface OpenCacheEntryOptions {
  /** `DATASET_CACHE_DIR` */
  cacheDir: string
  /** `DATASET_VERSION_HASH` */
  versionHash: string
  signal?: AbortSignal
  staleLockMs?: number
}

/**
 * The entry of a dataset version; `fill` puts it there when it is missing. Concurrent jobs share one fill, and one that
 * was cut short goes on with the files that are there.
 */
export async function openCacheEntry(
  options: OpenCacheEntryOptions,
  fill: (dir: string) => Promise<DatasetIndex>,
): Promise<CacheEntry> {
  const { cacheDir, versionHash, signal, staleLockMs } = options
  const entry = join(cacheDir, versionHash)
  const found = await findEntry(entry)
  if (found !== undefined) return found

  await mkdir(cacheDir, { recursive: true })
  const lock = { ...(signal ? { signal } : {}), ...(staleLockMs === undefined ? {} : { staleMs: staleLockMs }) }
  return withLock(
    `${entry}.lock`,
    async () => {
      const filled = await findEntry(entry)
      if (filled !== undefined) return filled
      await removeEntry(entry)
      const partial = `${entry}.partial`
      const files = join(partial, 'files')
      await mkdir(files, { recursive: true })
      const index = await fill(files)
      await writeManifest(partial, files, index)
      await makeReadOnly(files)
      await rename(partial, entry)
      const done = await findEntry(entry)
      if (done === undefined) throw new Error('The dataset cache cannot be read back')
      return done
    },
    lock,
  )
}

async function findEntry(entry: string): Promise<CacheEntry | undefined> {
  const manifest = join(entry, 'complete.json')
  let stored: StoredEntry
  try {
    stored = JSON.parse(await readFile(manifest, 'utf8')) as StoredEntry
  } catch {
    return undefined
  }
  if (stored.version !== ENTRY_VERSION) return undefined
  const dir = join(entry, 'files')
  const samples = stored.samples.map(([name, classId, split]) => ({ path: `${dir}/${name}`, name, classId, split }))
  // When it was last used decides what goes first. A cache that someone else owns may refuse; that is no harm.
  const now = new Date()
  await utimes(manifest, now, now).catch(() => {})
  return { dir, index: { ...stored.index, samples } }
}

/** Last, and at once: an entry with this file is complete. */
async function writeManifest(partial: string, files: string, index: DatasetIndex): Promise<void> {
  const { samples, ...rest } = index
  const stored: StoredEntry = {
    version: ENTRY_VERSION,
    index: rest,
    samples: samples.map(({ name, classId, split }) => [name, classId, split]),
  }
  await stat(files)
  const temporary = join(partial, 'complete.json.tmp')
  await writeFile(temporary, JSON.stringify(stored))
  await rename(temporary, join(partial, 'complete.json'))
}

async function makeReadOnly(dir: string): Promise<void> {
  for (const item of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, item.name)
    if (item.isDirectory()) await makeReadOnly(path)
    else chmodSync(path, 0o444)
  }
  await chmod(dir, 0o555)
}

/** Removes an entry, also a read-only one. */
async function removeEntry(entry: string): Promise<void> {
  const stats = await stat(entry).catch(() => undefined)
  if (stats === undefined) return
  await makeWritable(entry)
  await rm(entry, { recursive: true, force: true })
}

async function makeWritable(dir: string): Promise<void> {
  await chmod(dir, 0o755)
  for (const item of await readdir(dir, { withFileTypes: true })) {
    if (item.isDirectory()) await makeWritable(join(dir, item.name))
  }
}
