import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isSafeRelativePath } from '@trainyard/contract'

/** A file of a folder that is packed. */
export interface FolderFile {
  /** Relative to the folder, with `/` between its parts. */
  path: string
  sizeBytes: number
  executable: boolean
}

export interface FolderListing {
  /** Sorted by path. */
  files: FolderFile[]
  /** What cannot be packed, each with its reason: links, special files, unsafe names. */
  refused: string[]
}

/** Lists the files below a folder. `isIgnored` gets paths relative to it. */
export async function listFiles(
  dir: string,
  isIgnored: (path: string, isFolder: boolean) => boolean,
): Promise<FolderListing> {
  const files: FolderFile[] = []
  const refused: string[] = []

  async function walk(folder: string): Promise<void> {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (isIgnored(path, entry.isDirectory())) continue
      if (!isSafeRelativePath(path))
        refused.push(`${JSON.stringify(path)} (a backslash or control character in its name)`)
      else if (entry.isSymbolicLink()) refused.push(`${path} (a symbolic link)`)
      else if (entry.isDirectory()) await walk(path)
      else if (!entry.isFile()) refused.push(`${path} (neither a file nor a folder)`)
      else {
        const { size, mode } = await stat(join(dir, path))
        files.push({ path, sizeBytes: size, executable: (mode & 0o100) !== 0 })
      }
    }
  }
  await walk('')
  // By code unit, so that the order does not depend on the locale.
  files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  return { files, refused }
}

/** The first five of a list, and how many more. */
export function summarize(items: readonly string[]): string {
  const more = items.length > 5 ? ` and ${items.length - 5} more` : ''
  return `${items.slice(0, 5).join(', ')}${more}`
}
