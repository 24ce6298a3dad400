import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isSafeRelativePath } from '@trainyard/contract'
import { InvalidTrainerError } from '../errors.ts'
import { parseIgnoreRules } from './ignore-rules.ts'

export interface BundleFile {
  /** Relative to the folder, `/` between its parts. */
  path: string
  sizeBytes: number
  executable: boolean
}

const IGNORE_FILE = '.trainyardignore'

/** The files of a trainer's folder that go into its bundle, sorted by path. Links and special files are refused. */
export async function listBundleFiles(dir: string): Promise<BundleFile[]> {
  const isIgnored = parseIgnoreRules(await readFile(join(dir, IGNORE_FILE), 'utf8').catch(() => ''))
  const files: BundleFile[] = []
  const refused: string[] = []

  async function walk(folder: string): Promise<void> {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (isIgnored(path, entry.isDirectory())) continue
      if (!isSafeRelativePath(path))
        refused.push(`${JSON.stringify(path)} (its name has a backslash or a control character)`)
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

  if (refused.length > 0) {
    const more = refused.length > 5 ? `, and ${refused.length - 5} more` : ''
    throw new InvalidTrainerError(
      `A bundle holds plain files only, but ${dir} has ${refused.slice(0, 5).join(', ')}${more}. ` +
        `Replace them, or list them in ${IGNORE_FILE}.`,
    )
  }
  // By code unit: the same everywhere, whatever the locale.
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}
