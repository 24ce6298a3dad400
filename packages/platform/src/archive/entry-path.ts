import { isSafeRelativePath } from '@trainyard/contract'
import { entryError } from './entry-error.ts'

/**
 * The normalised path of an archive's entry; empty for the archive's own folder.
 *
 * @throws TrainyardError `unprocessable` for a path that is not safe
 */
export function checkEntryPath(name: string, isFolder: boolean): string {
  const path = name.replace(/^(?:\.\/+)+/, '').replace(isFolder ? /\/+$/ : /$^/, '')
  if (isFolder && (path === '' || path === '.')) return ''
  if (path.startsWith('/')) throw entryError(name, 'has an absolute path')
  if (path.split('/').includes('..')) throw entryError(name, 'leads out of the folder with ".."')
  if (!isSafeRelativePath(path)) {
    throw entryError(name, 'has a path with an empty or "." part, a backslash, a drive letter or a control character')
  }
  if (Buffer.byteLength(path) > 1024 || path.split('/').some((part) => Buffer.byteLength(part) > 255)) {
    throw entryError(name, 'has a path that is too long')
  }
  return path
}

/**
 * The paths that an archive has used so far. Some file systems treat "A" and "a", or the two encodings of "é", as the same
 * name: paths that differ only in this way are refused.
 */
export class ClaimedPaths {
  readonly #claimed = new Map<string, { path: string; isFolder: boolean }>()

  /** Files and folders, including the folders above each. */
  get size(): number {
    return this.#claimed.size
  }

  /** @throws TrainyardError `unprocessable` when the archive has used the path, or one that is too similar */
  claim(path: string, isFolder: boolean): void {
    const parts = path.split('/')
    for (let length = 1; length <= parts.length; length++) {
      const current = parts.slice(0, length).join('/')
      const currentIsFolder = length < parts.length || isFolder
      const key = current.normalize('NFC').toLowerCase()
      const other = this.#claimed.get(key)
      if (other === undefined) {
        this.#claimed.set(key, { path: current, isFolder: currentIsFolder })
        continue
      }
      if (other.path !== current) throw entryError(path, `differs from "${other.path}" only in letter case or accents`)
      if (!(other.isFolder && currentIsFolder)) throw entryError(path, 'is in the archive twice')
    }
  }
}
