import { chmodSync, existsSync, statSync } from 'node:fs'
import { chmod, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import type { Loss } from '../report/loss-counter.ts'
import { findDamage, removeExtraFiles } from './find-damage.ts'
import type { StoredFile } from './stored-file.ts'
import { findTraces, isUnmodified, type Traces } from './traces.ts'

/**
 * An entry of the cache on disk:
 *
 * - `files/`: the dataset as downloaded or converted, read-only
 * - `samples.json`: the index of its images; `files.json`: every file with its size and digest
 * - `complete.json`: written last. An entry without it is being filled, or its fill was interrupted
 */
const ENTRY_VERSION = 4

/** The source and format of a conversion. */
export interface Conversion {
  /** Key of the converted entry. */
  of: string
  format: DatasetFormat
  taskType: TaskType
  /** What the format could not hold. */
  losses: readonly Loss[]
}

export interface Complete extends Traces {
  version: number
  sizeBytes: number
  fileCount: number
  index: Omit<DatasetIndex, 'samples'>
  conversion?: Conversion | undefined
}

type StoredSample = [name: string, classId: number, split: DatasetIndex['samples'][number]['split']]

export const filesDir = (entry: string): string => join(entry, 'files')

export type FoundEntry =
  | { type: 'complete'; index: DatasetIndex; conversion: Conversion | undefined }
  | { type: 'damaged'; why: string }
  | { type: 'incomplete' }

/** Finds an entry and checks its files, as far as that is quick. */
export async function findEntry(entry: string): Promise<FoundEntry> {
  const complete = await readComplete(entry)
  if (complete === undefined) return { type: 'incomplete' }
  const dir = filesDir(entry)
  const seen = await findDamage(dir, complete, () => readFileList(entry))
  if (seen.type === 'damaged') return seen
  // Modified but valid: new traces are recorded, and files that do not belong to the dataset are removed.
  if (seen.type === 'modified') {
    const why = await removeExtraFiles(dir, seen.extraFiles)
    if (why !== undefined) return { type: 'damaged', why }
    const files = await readFileList(entry)
    await writeComplete(entry, { ...complete, ...findTraces(dir, files) }).catch(() => {})
  }
  return await load(entry, complete)
}

/** Reads an entry of another process's cache without checking its files. Undefined when it is not complete. */
export async function readEntry(entry: string): Promise<Extract<FoundEntry, { type: 'complete' }> | undefined> {
  const complete = await readComplete(entry)
  const found = complete === undefined ? undefined : await load(entry, complete)
  return found?.type === 'complete' ? found : undefined
}

/** Whether an entry is complete and unmodified. Cheap: it reads no samples and repairs nothing. */
export async function isIntact(entry: string): Promise<boolean> {
  const complete = await readComplete(entry)
  if (complete === undefined || complete.spots.length === 0) return false
  return existsSync(join(entry, 'samples.json')) && isUnmodified(filesDir(entry), complete)
}

async function load(entry: string, { index, conversion }: Complete): Promise<FoundEntry> {
  const stored = await readJson<StoredSample[]>(join(entry, 'samples.json'))
  if (stored === undefined) return { type: 'damaged', why: 'samples.json cannot be read' }
  const dir = filesDir(entry)
  const samples = stored.map(([name, classId, split]) => ({ path: `${dir}/${name}`, name, classId, split }))
  return { type: 'complete', index: { ...index, samples }, conversion }
}

/** Records the time of use, by which entries are evicted. A read-only cache can refuse; that does no harm. */
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

/** Makes the files read-only and writes their lists. The last step makes the entry complete. */
export async function completeEntry(
  entry: string,
  {
    index,
    files,
    conversion,
  }: { index: DatasetIndex; files: readonly StoredFile[]; conversion?: Conversion | undefined },
): Promise<void> {
  const { samples, ...rest } = index
  const dir = filesDir(entry)
  // Small files were created read-only. Synchronous, because the thread pool costs more than the call.
  for (const { path } of files) {
    const file = join(dir, path)
    if ((statSync(file).mode & 0o222) !== 0) chmodSync(file, 0o444)
  }
  // Folders come last: files cannot be added to a read-only folder.
  for (const folder of new Set(['.', ...files.map(({ path }) => dirname(path))])) await chmod(join(dir, folder), 0o555)
  const complete: Complete = {
    version: ENTRY_VERSION,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    fileCount: files.length,
    index: rest,
    ...findTraces(dir, files),
    conversion,
  }
  const stored = samples.map(({ name, classId, split }): StoredSample => [name, classId, split])
  const list = files.map(({ path, sizeBytes, sha256 }) => (sha256 ? [path, sizeBytes, sha256] : [path, sizeBytes]))
  await writeFile(join(entry, 'samples.json'), JSON.stringify(stored))
  await writeFile(join(entry, 'files.json'), JSON.stringify(list))
  await writeComplete(entry, complete)
}

async function writeComplete(entry: string, complete: Complete): Promise<void> {
  const temporary = join(entry, 'complete.json.tmp')
  await writeFile(temporary, JSON.stringify(complete))
  await rename(temporary, join(entry, 'complete.json'))
}

/** Prepares an entry to be filled again. Its files are kept. */
export async function reopenEntry(entry: string): Promise<void> {
  await rm(join(entry, 'complete.json'), { force: true })
  await makeFoldersWritable(filesDir(entry))
}

/** Removes a folder of the cache, even if it is read-only. */
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
