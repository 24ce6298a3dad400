import { isSafeRelativePath } from '@trainyard/contract'
import { refused } from './tar-headers.ts'

/** The path of an archive's entry, cleaned; empty for the archive's own folder. Throws `unprocessable` for a harmful one. */
export function checkEntryPath(name: string, isFolder: boolean): string {
  const path = name.replace(/^(?:\.\/+)+/, '').replace(isFolder ? /\/+$/ : /$^/, '')
  if (isFolder && (path === '' || path === '.')) return ''
  if (path.startsWith('/')) throw refused(name, 'has an absolute path')
  if (path.split('/').includes('..')) throw refused(name, 'leads out of the folder with ".."')
  if (!isSafeRelativePath(path)) {
    throw refused(name, 'has a path with an empty or "." part, a backslash, a drive letter or a control character')
  }
  if (Buffer.byteLength(path) > 1024 || path.split('/').some((part) => Buffer.byteLength(part) > 255)) {
    throw refused(name, 'has a path that is too long')
  }
  return path
}

/** The paths that an archive has used so far, by the key under which some file systems see no difference. */
export type ClaimedPaths = Map<string, { path: string; isFolder: boolean }>

/** Marks a path and the folders above it as taken. Some file systems see no difference between "A" and "a", or "é" and "é". */
export function claimPath(seen: ClaimedPaths, path: string, isFolder: boolean): void {
  const parts = path.split('/')
  for (let length = 1; length <= parts.length; length++) {
    const current = parts.slice(0, length).join('/')
    const currentIsFolder = length < parts.length || isFolder
    const key = current.normalize('NFC').toLowerCase()
    const other = seen.get(key)
    if (other === undefined) {
      seen.set(key, { path: current, isFolder: currentIsFolder })
      continue
    }
    if (other.path !== current) throw refused(path, `differs from "${other.path}" only in letter case or accents`)
    if (!(other.isFolder && currentIsFolder)) throw refused(path, 'is in the archive twice')
  }
}
