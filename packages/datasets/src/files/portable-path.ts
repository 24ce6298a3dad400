import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'

// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
const CONTROL = /[\u0000-\u001f\u007f]/

/**
 * Converts a path that was written on any system to `a/b/c`: backslashes become slashes, `.` and inner `..` are resolved
 * relative to `base` (a folder of the dataset). Undefined for a path that is absolute, has a drive or a share, or leads
 * out of the dataset.
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
 * The file at a path, with all links followed. Undefined when it does not exist or is outside of `root`: a downloaded
 * dataset must not reach `/etc/passwd` through a link.
 */
export async function findInside(root: string, file: string): Promise<string | undefined> {
  try {
    const [realRoot, realFile] = await Promise.all([realpath(root), realpath(file)])
    return realFile.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep) ? realFile : undefined
  } catch {
    return undefined
  }
}
