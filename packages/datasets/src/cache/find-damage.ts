import { chmod, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { hashFile } from '../transfer/hash-file.ts'
import type { StoredFile } from './stored-file.ts'
import { showsNoTouch, type Traces } from './traces.ts'

export type SeenFiles =
  | { type: 'untouched' }
  /** Somebody was at it, and every file of the dataset is right. `strangers` are files that are none of its own. */
  | { type: 'touched'; strangers: string[] }
  | { type: 'damaged'; why: string }

/**
 * Whether the files are what they were: a bounded number of looks, and only where one of them shows that somebody was here
 * (or that the cache was copied from elsewhere), every byte.
 */
export async function findDamage(
  dir: string,
  traces: Traces,
  readFileList: () => Promise<StoredFile[]>,
): Promise<SeenFiles> {
  if (traces.spots.length === 0) return { type: 'damaged', why: 'files.json cannot be read' }
  if (showsNoTouch(dir, traces)) return { type: 'untouched' }
  const files = await readFileList()
  if (files.length === 0) return { type: 'damaged', why: 'files.json cannot be read' }
  for (const file of files) {
    const problem = await findProblem(join(dir, file.path), file)
    if (problem !== undefined) return { type: 'damaged', why: `"${file.path}" ${PROBLEM_TEXTS[problem]}` }
  }
  const own = new Set(files.map(({ path }) => path))
  const there = await readdir(dir, { withFileTypes: true, recursive: true })
  const strangers = there
    .filter((item) => !item.isDirectory())
    .map((item) => relative(dir, join(item.parentPath, item.name)).split(sep).join('/'))
    .filter((path) => !own.has(path))
  return { type: 'touched', strangers }
}

export type FileProblem = 'missing' | 'size' | 'digest'

export const PROBLEM_TEXTS = {
  missing: 'is missing',
  size: 'has another size',
  digest: 'has another SHA-256',
} as const satisfies Record<FileProblem, string>

/** Reads the file. Without a digest only its size can tell. */
export async function findProblem(path: string, file: StoredFile): Promise<FileProblem | undefined> {
  const seen = await stat(path).catch(() => undefined)
  if (seen === undefined) return 'missing'
  if (seen.size !== file.sizeBytes) return 'size'
  return file.sha256 === undefined || (await hashFile(path)) === file.sha256 ? undefined : 'digest'
}

/**
 * Removes files that somebody left among those of a dataset: some loaders take what lies beside their files, and run code
 * that they find there. Why it cannot be done, otherwise undefined.
 */
export async function removeStrangers(dir: string, paths: readonly string[]): Promise<string | undefined> {
  const folders = new Set(paths.map((path) => dirname(join(dir, path))))
  try {
    for (const folder of folders) await chmod(folder, 0o755)
    for (const path of paths) await rm(join(dir, path), { force: true })
    for (const folder of folders) await chmod(folder, 0o555)
    return undefined
  } catch {
    return `"${paths[0]}" is none of its files and cannot be removed`
  }
}
