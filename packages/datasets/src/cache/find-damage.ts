import { chmod, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { hashFile } from '../transfer/hash-file.ts'
import type { StoredFile } from './stored-file.ts'
import { isUnmodified, type Traces } from './traces.ts'

export type FoundFiles =
  | { type: 'unmodified' }
  /** The folder was modified, and every file of the dataset is valid. `extraFiles` do not belong to the dataset. */
  | { type: 'modified'; extraFiles: string[] }
  | { type: 'damaged'; why: string }

/**
 * Whether the files are as they were. Checks a bounded number of inodes, and every byte only if one of them shows that the
 * entry was modified or copied.
 */
export async function findDamage(
  dir: string,
  traces: Traces,
  readFileList: () => Promise<StoredFile[]>,
): Promise<FoundFiles> {
  if (traces.spots.length === 0) return { type: 'damaged', why: 'files.json cannot be read' }
  if (isUnmodified(dir, traces)) return { type: 'unmodified' }
  const files = await readFileList()
  if (files.length === 0) return { type: 'damaged', why: 'files.json cannot be read' }
  for (const file of files) {
    const problem = await findProblem(join(dir, file.path), file)
    if (problem !== undefined) return { type: 'damaged', why: `"${file.path}" ${PROBLEM_TEXTS[problem]}` }
  }
  const own = new Set(files.map(({ path }) => path))
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  const extraFiles = entries
    .filter((item) => !item.isDirectory())
    .map((item) => relative(dir, join(item.parentPath, item.name)).split(sep).join('/'))
    .filter((path) => !own.has(path))
  return { type: 'modified', extraFiles }
}

export type FileProblem = 'missing' | 'size' | 'digest'

export const PROBLEM_TEXTS = {
  missing: 'is missing',
  size: 'has another size',
  digest: 'has another SHA-256',
} as const satisfies Record<FileProblem, string>

/** Compares size and digest of a file. Without a digest, only the size. */
export async function findProblem(path: string, file: StoredFile): Promise<FileProblem | undefined> {
  const seen = await stat(path).catch(() => undefined)
  if (seen === undefined) return 'missing'
  if (seen.size !== file.sizeBytes) return 'size'
  return file.sha256 === undefined || (await hashFile(path)) === file.sha256 ? undefined : 'digest'
}

/**
 * Removes files that do not belong to the dataset: some loaders read files beside their data, and run code in them. Returns
 * the reason when they cannot be removed, otherwise undefined.
 */
export async function removeExtraFiles(dir: string, paths: readonly string[]): Promise<string | undefined> {
  const folders = new Set(paths.map((path) => dirname(join(dir, path))))
  try {
    for (const folder of folders) await chmod(folder, 0o755)
    for (const path of paths) await rm(join(dir, path), { force: true })
    for (const folder of folders) await chmod(folder, 0o555)
    return undefined
  } catch {
    return `"${paths[0]}" does not belong to the dataset and cannot be removed`
  }
}
