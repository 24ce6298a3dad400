import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { forEachConcurrently } from '../util/for-each-concurrently.ts'
import { type FileProblem, findProblem } from './find-damage.ts'
import { type CachedDataset, listCache } from './list-cache.ts'
import { tryWithLock } from './lock.ts'
import { removeEntry } from './prune-cache.ts'
import { filesDir, readFileList, reopenEntry } from './stored-entry.ts'

export interface VerifyCacheOptions {
  cacheDir: string
  /** Default: every complete dataset. */
  versionHash?: string | undefined
  /** Remove damaged files, so that the next job creates them again. Default false. */
  repair?: boolean | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { versionHash: string; files: number; totalFiles: number }) => void) | undefined
}

export interface DamagedFile {
  path: string
  problem: FileProblem
}

export interface VerifiedDataset {
  dataset: CachedDataset
  damaged: DamagedFile[]
  /** Number of files without a digest: only their size was compared. */
  withoutDigest: number
  /** Whether damaged files were removed. False when another process was filling or removing the entry. */
  isRepaired: boolean
}

/** Reads every file of the cache and compares its size and SHA-256 with the recorded ones. */
export async function verifyCache(options: VerifyCacheOptions): Promise<VerifiedDataset[]> {
  const { cacheDir, versionHash, repair = false } = options
  const results: VerifiedDataset[] = []
  for (const dataset of await listCache(cacheDir)) {
    if (dataset.state !== 'complete' || (versionHash !== undefined && dataset.versionHash !== versionHash)) continue
    const entry = join(cacheDir, dataset.versionHash)
    const { damaged, withoutDigest } = await verifyEntry(entry, dataset.versionHash, options)
    const repairOrRemove = async () =>
      // The files of a conversion are not reused, and `reopenEntry` would remove the record of its source.
      (dataset.conversion !== undefined && (await removeEntry(entry))) ||
      (await tryWithLock(`${entry}.lock`, () => repairEntry(entry, damaged))) === true
    const isRepaired = repair && damaged.length > 0 && (await repairOrRemove())
    results.push({ dataset, damaged, withoutDigest, isRepaired })
  }
  return results
}

async function verifyEntry(entry: string, versionHash: string, { signal, onProgress }: VerifyCacheOptions) {
  const files = await readFileList(entry)
  const damaged: DamagedFile[] = []
  if (files.length === 0) damaged.push({ path: 'files.json', problem: 'missing' })
  let done = 0
  await forEachConcurrently(files, 8, async (file) => {
    signal?.throwIfAborted()
    const problem = await findProblem(join(filesDir(entry), file.path), file)
    if (problem !== undefined) damaged.push({ path: file.path, problem })
    onProgress?.({ versionHash, files: ++done, totalFiles: files.length })
  })
  return { damaged, withoutDigest: files.filter(({ sha256 }) => sha256 === undefined).length }
}

async function repairEntry(entry: string, damaged: readonly DamagedFile[]): Promise<boolean> {
  await reopenEntry(entry)
  for (const { path } of damaged) await rm(join(filesDir(entry), path), { force: true })
  return true
}
