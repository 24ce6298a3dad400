import { createHash } from 'node:crypto'
import { mkdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TrainyardError } from '../errors.ts'
import { checkKey } from './keys.ts'

// "a" and "a/b" may both be keys, but not both be files: a file's name ends in "%", a folder's does not. A "%" inside a
// part is written "%25", so no key can look like another one.
const FILE_MARK = '%'
const MAX_NAME_BYTES = 200

const escapePart = (part: string) => part.replaceAll('%', '%25')
const unescapePart = (name: string) => name.replaceAll('%25', '%')

/** Where a key's file lies, as parts below the folder of objects. */
function partsOf(key: string): string[] {
  checkKey(key)
  const parts = key.split('/').map(escapePart)
  for (const part of parts) {
    if (Buffer.byteLength(part) > MAX_NAME_BYTES) {
      throw new TrainyardError(
        'invalid_request',
        `A part of the key is longer than ${MAX_NAME_BYTES} bytes: "${part.slice(0, 100)}…"`,
      )
    }
  }
  return [...parts.slice(0, -1), `${parts.at(-1) ?? ''}${FILE_MARK}`]
}

/** The part of a key that a directory entry stands for. */
export function entryOf(name: string, isFolder: boolean): string | undefined {
  if (isFolder) return unescapePart(name)
  return name.endsWith(FILE_MARK) ? unescapePart(name.slice(0, -FILE_MARK.length)) : undefined
}

/**
 * The path of a key's file. A folder on the way that leads elsewhere through a symbolic link is refused.
 *
 * @returns undefined when the folder is absent and was not to be made
 */
export async function locate(objectsDir: string, key: string, make: boolean): Promise<string | undefined> {
  const path = join(objectsDir, ...partsOf(key))
  const folder = dirname(path)
  if (make) await mkdir(folder, { recursive: true })
  let real: string
  try {
    real = await realpath(folder)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
  if (real !== folder) throw new TrainyardError('forbidden', `The key "${key}" leads through a symbolic link`)
  return path
}

/** A folder name for an upload id that cannot be anything but a name. */
export function uploadFolder(multipartDir: string, uploadId: string): string {
  return join(multipartDir, createHash('sha256').update(uploadId).digest('hex').slice(0, 40))
}
