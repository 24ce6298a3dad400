import { chmodSync, existsSync, statSync } from 'node:fs'
import { chmod, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import type { Loss } from '../report/loss-counter.ts'
import { findDamage, removeStrangers } from './find-damage.ts'
import type { StoredFile } from './stored-file.ts'
import { findTraces, showsNoTouch, type Traces } from './traces.ts'

/**
 * An entry of the cache on disk:
 *
 * - `files/`: the dataset as it came, or converted, read-only
 * - `samples.json`: what was read from it, `files.json`: every file with its size and digest
 * - `complete.json`: written last; an entry without it is being filled, or was not to its end
 */
const ENTRY_VERSION = 4

/** Of what an entry is a conversion. */
export interface Conversion {
  /** The entry that it was made of. */
  of: string
  format: DatasetFormat
  taskType: TaskType
  /** What the format could not carry. */
  losses: readonly Loss[]
}

export interface Complete extends Traces {
  version: number
  sizeBytes: number
  fileCount: number
  index: Omit<DatasetIndex, 'samples'>
  conversion?: Conversion
}

type StoredSample = [name: string, classId: number, split: DatasetIndex['samples'][number]['split']]

export const filesDir = (entry: string): string => join(entry, 'files')

export type FoundEntry =
  | { type: 'complete'; index: DatasetIndex; conversion: Conversion | undefined }
  | { type: 'damaged'; why: string }
  | { type: 'incomplete' }

/** Looks an entry up, and whether its files are there as far as that is quick to see. */
export async function findEntry(entry: string): Promise<FoundEntry> {
  const complete = await readComplete(entry)
  if (complete === undefined) return { type: 'incomplete' }
  const dir = filesDir(entry)
  const seen = await findDamage(dir, complete, () => readFileList(entry))
  if (seen.type === 'damaged') return seen
  // Touched and yet right: the next look begins from here, and what is not of the dataset goes.
  if (seen.type === 'touched') {
    const why = await removeStrangers(dir, seen.strangers)
    if (why !== undefined) return { type: 'damaged', why }
    const files = await readFileList(entry)
    await writeComplete(entry, { ...complete, ...findTraces(dir, files) }).catch(() => {})
  }
  return await load(entry, complete)
}

/** An entry that somebody else looks after: what it says of itself is believed. Undefined when it is not complete. */
export async function readEntry(entry: string): Promise<Extract<FoundEntry, { type: 'complete' }> | undefined> {
  const complete = await readComplete(entry)
  const found = complete === undefined ? undefined : await load(entry, complete)
  return found?.type === 'complete' ? found : undefined
}

/** Whether an entry is complete and nobody was at it. Cheap: it reads no samples and mends nothing. */
export async function isUntouched(entry: string): Promise<boolean> {
  const complete = await readComplete(entry)
  if (complete === undefined || complete.spots.length === 0) return false
  return existsSync(join(entry, 'samples.json')) && showsNoTouch(filesDir(entry), complete)
}

async function load(entry: string, { index, conversion }: Complete): Promise<FoundEntry> {
  const stored = await readJson<StoredSample[]>(join(entry, 'samples.json'))
  if (stored === undefined) return { type: 'damaged', why: 'samples.json cannot be read' }
  const dir = filesDir(entry)
  const samples = stored.map(([name, classId, split]) => ({ path: `${dir}/${name}`, name, classId, split }))
  return { type: 'complete', index: { ...index, samples }, conversion }
}

/** When it was last used decides what goes first. A cache that someone else owns may refuse; that is no harm. */
export async function touchEntry(entry: string): Promise<void> {
  const now = new Date()
  await utimes(join(entry, 'complete.json'), now, now).catch(() => {})
}

export async function readComplete(entry: string): Promise<Complete | undefined> {
  const complete = await readJson<Complete>(join(entry, 'complete.json'))
  return complete?.version === ENTRY_VERSION ? complete : undefined
}

export async function readFileList(entry: string): Promise<StoredFile[]> {
  const list = await readJson<[string, number, string?][]>(join(entry, 'files.json'))
  return (list ?? []).map(([path, sizeBytes, sha256]) => ({ path, sizeBytes, sha256 }))
}

/** Makes the files read-only and writes what is known of them; the last step makes the entry complete, at once. */
export async function completeEntry(
  entry: string,
  { index, files, conversion }: { index: DatasetIndex; files: readonly StoredFile[]; conversion?: Conversion },
): Promise<void> {
  const { samples, ...rest } = index
  const dir = filesDir(entry)
  // Small files were created read-only; synchronous, because the way through the thread pool costs more than the call.
  for (const { path } of files) {
    const file = join(dir, path)
    if ((statSync(file).mode & 0o222) !== 0) chmodSync(file, 0o444)
  }
  // After their files: a folder without the right to write takes none.
  for (const folder of new Set(['.', ...files.map(({ path }) => dirname(path))])) await chmod(join(dir, folder), 0o555)
  const complete: Complete = {
    version: ENTRY_VERSION,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    fileCount: files.length,
    index: rest,
    ...findTraces(dir, files),
    ...(conversion === undefined ? {} : { conversion }),
  }
  const stored = samples.map(({ name, classId, split }): StoredSample => [name, classId, split])
  const list = files.map(({ path, sizeBytes, sha256 }) => [path, sizeBytes, ...(sha256 ? [sha256] : [])])
  await writeFile(join(entry, 'samples.json'), JSON.stringify(stored))
  await writeFile(join(entry, 'files.json'), JSON.stringify(list))
  await writeComplete(entry, complete)
}

async function writeComplete(entry: string, complete: Complete): Promise<void> {
  const temporary = join(entry, 'complete.json.tmp')
  await writeFile(temporary, JSON.stringify(complete))
  await rename(temporary, join(entry, 'complete.json'))
}

/** Makes an entry one that is to be filled again. Files that are right stay. */
export async function reopenEntry(entry: string): Promise<void> {
  await rm(join(entry, 'complete.json'), { force: true })
  await makeFoldersWritable(filesDir(entry))
}

/** Removes a folder of the cache, also a read-only one. */
export async function removeFolder(dir: string): Promise<void> {
  await makeFoldersWritable(dir)
  await rm(dir, { recursive: true, force: true })
}

async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch {
    return undefined
  }
}

export async function makeFoldersWritable(dir: string): Promise<void> {
  try {
    await chmod(dir, 0o755)
    for (const item of await readdir(dir, { withFileTypes: true })) {
      if (item.isDirectory()) await makeFoldersWritable(join(dir, item.name))
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
