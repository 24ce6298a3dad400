import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findInside } from './portable-path.ts'
import { isToolFile, isToolFolder } from './tool-folders.ts'

export interface FileListing {
  /** Relative paths with `/`, sorted by code units. */
  files: string[]
  /** Skipped paths: names that are not UTF-8, and links that lead out of the folder. */
  skipped: string[]
  /** Hidden folders, and folders of operating systems such as `__MACOSX`. Their content is not listed. */
  ignored: string[]
}

/** Options of {@link listFiles}. */
export interface ListFilesOptions {
  /** See `ReadOptions`. */
  followLinks?: string | undefined
  signal?: AbortSignal | undefined
}

export const IMAGE_NAME = /\.(png|jpe?g|gif|bmp|webp|tiff?)$/i
const MAX_DEPTH = 32
/** Folders of ours, such as that of a cache. */
const OWN_FOLDER = /^\.trainyard/

/** Every file below a folder, without hidden ones and those of tools. Throws `DatasetError` when a folder cannot be read. */
export async function listFiles(root: string, { signal, followLinks }: ListFilesOptions = {}): Promise<FileListing> {
  const listing: FileListing = { files: [], skipped: [], ignored: [] }
  const entered = new Set<string>()
  await walk('', 0)
  listing.files.sort()
  return listing

  async function walk(folder: string, depth: number): Promise<void> {
    signal?.throwIfAborted()
    for (const entry of await readFolder(root, folder)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && isToolFolder(entry.name)) {
        if (!OWN_FOLDER.test(entry.name)) listing.ignored.push(path)
        continue
      }
      if (isToolFile(entry.name)) continue
      // Node replaces bytes that are not UTF-8 by U+FFFD, so such a file cannot be opened.
      if (entry.name.includes('\ufffd')) listing.skipped.push(path)
      else if (entry.isFile()) listing.files.push(path)
      else if (entry.isDirectory() && depth < MAX_DEPTH) await walk(path, depth + 1)
      else if (entry.isSymbolicLink()) await followLink(path, depth)
    }
  }

  /**
   * Links to files inside the folder count as files. Links to folders could repeat files, or never end: they are followed on
   * request, each folder once, and never into a folder around them.
   */
  async function followLink(path: string, depth: number): Promise<void> {
    const file = join(root, path)
    const target = (await findInside(root, file)) ?? (followLinks && (await findInside(followLinks, file)))
    const stats = target ? await stat(target) : undefined
    if (stats?.isFile()) listing.files.push(path)
    else if (target && stats?.isDirectory() && followLinks !== undefined && depth < MAX_DEPTH && (await isNew(target)))
      await walk(path, depth + 1)
    else listing.skipped.push(path)
  }

  async function isNew(folder: string): Promise<boolean> {
    const top = await realpath(root)
    const isAround = top === folder || top.startsWith(folder + sep) || folder.startsWith(top + sep)
    if (isAround || entered.has(folder)) return false
    entered.add(folder)
    return true
  }
}

async function readFolder(root: string, folder: string): Promise<Dirent[]> {
  try {
    return await readdir(join(root, folder), { withFileTypes: true })
  } catch (error) {
    throw new DatasetError(`The folder "${folder || '.'}" of the dataset cannot be read`, {
      reason: 'unreadable',
      cause: error,
    })
  }
}
