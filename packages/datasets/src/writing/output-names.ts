import { createHash } from 'node:crypto'
import { foldPath } from '../files/fold-path.ts'
import { splitExtension } from '../files/split-extension.ts'

/** Folders in which formats put images. They do not describe the image. */
const CONTAINERS = new Set(['images', 'jpegimages', 'train', 'val', 'valid', 'validation', 'test'])
/** Most file systems allow 255 bytes for a name. This leaves room for a suffix of ours. */
const MAX_NAME_BYTES = 240

export interface OutputNames {
  /**
   * A relative path for an image in the result, unique within `scope` even when extension (`a.jpg` and `a.png` share
   * `a.txt`), case and Unicode form are ignored.
   */
  next(path: string, scope?: string): string
  /** The number of names that needed a suffix so far. */
  readonly collisions: number
}

/** A name without folders that is valid on every system. */
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_-]{0,200}\.[A-Za-z0-9]{1,8}$/

/** Names images in the result. Subfolders are kept, so that equal names in different folders stay apart. */
export function createOutputNames(): OutputNames {
  const taken = new Set<string>()
  let collisions = 0
  return {
    get collisions() {
      return collisions
    },
    next(path, scope = '') {
      if (PLAIN.test(path)) {
        // Nearly every path is like this, and a large dataset has a million.
        const key = `${scope}/${path.slice(0, path.lastIndexOf('.'))}`.toLowerCase()
        if (!taken.has(key) && !RESERVED.test(path)) {
          taken.add(key)
          return path
        }
      }
      const parts = path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..')
      if (parts.length === 0) parts.push('image')
      while (parts.length > 1 && CONTAINERS.has((parts[0] ?? '').toLowerCase())) parts.shift()
      const named = parts.map(portableName).join('/')
      const { stem, extension } = splitExtension(named)
      let digest = ''
      for (let length = 0; ; length += 8) {
        if (length === 8) {
          collisions++
          digest = createHash('sha256').update(path).digest('hex')
        }
        // Beyond the whole digest the length makes it unique: the same path came twice.
        const suffix = length === 0 ? '' : `_${digest.slice(0, length)}${length > 64 ? length : ''}`
        const key = foldPath(`${scope}/${stem}${suffix}`)
        if (taken.has(key)) continue
        taken.add(key)
        return `${stem}${suffix}${extension}`
      }
    },
  }
}

const RESERVED = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$/i

/** A name that is valid on every file system: invalid characters become `_`. Letters of all scripts are kept. */
export function portableName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: replaces control characters
  let safe = name.replace(/[\\/:*?"<>|\u0000-\u001f\u007f]/g, '_').replace(/[. ]+$/, (end) => '_'.repeat(end.length))
  // Names that begin with a dot are hidden, and readers skip them.
  safe = safe.replace(/^[. ]+/, (start) => '_'.repeat(start.length))
  if (safe === '') return '_'
  if (RESERVED.test(safe)) safe = `_${safe}`
  if (Buffer.byteLength(safe) <= MAX_NAME_BYTES) return safe
  const { stem, extension } = splitExtension(safe)
  const tail = `_${createHash('sha256').update(name).digest('hex').slice(0, 8)}${extension.slice(0, 16)}`
  return cutBytes(stem, MAX_NAME_BYTES - Buffer.byteLength(tail)) + tail
}

/** Cuts between characters, not between bytes: 255 bytes are 85 Hangul syllables. */
function cutBytes(text: string, limit: number): string {
  let bytes = 0
  let cut = ''
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > limit) break
    cut += character
  }
  return cut
}
