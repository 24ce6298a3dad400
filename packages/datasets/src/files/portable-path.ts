import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const CONTROL = /[\u0000-\u001f\u007f]/

/**
 * A path that a tool on any system wrote, as `a/b/c`: backslashes become slashes, `.` and inner `..` are resolved
 * against `base` (a folder inside the dataset). Undefined for one that is absolute, names a drive or a share, or leaves
 * the dataset.
 */
export function toPortablePath(text: string, base = ''): string | undefined {
  if (text === '' || text.length > 4096 || CONTROL.test(text)) return undefined
  const path = text.replaceAll('\\', '/')
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return undefined
  const parts = base === '' ? [] : base.split('/')
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.length === 0 ? undefined : parts.join('/')
}

/**
 * The file behind a path, with all links followed: undefined when there is none, or when it lies outside `root`. A
 * dataset from elsewhere must not be able to name `/etc/passwd` through a link.
 */
export async function findInside(root: string, file: string): Promise<string | undefined> {
  try {
    const [realRoot, realFile] = await Promise.all([realpath(root), realpath(file)])
    return realFile.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep) ? realFile : undefined
  } catch {
    return undefined
  }
}
