import { dirname, join } from 'node:path'
import { TrainyardError } from '../../errors.ts'
import { errorCode } from '../../system/describe-error.ts'
import { checkKey } from '../keys.ts'
import type { StoreFileSystem } from './store-file-system.ts'

// "a" and "a/b" can both be keys, but a path cannot be a file and a folder: the name of an object's file ends in "%", the
// name of a folder does not. A "%" in a key is written "%25", so that no two keys have the same path.
const FILE_MARK = '%'
const MAX_NAME_BYTES = 200

const escapePart = (part: string) => part.replaceAll('%', '%25')
const unescapePart = (name: string) => name.replaceAll('%25', '%')

/** The path of a key's file, relative to the folder of objects. */
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

/** The part of a key that a directory entry represents; undefined for a file that is not an object. */
export function keyPartOf(name: string, isFolder: boolean): string | undefined {
  if (isFolder) return unescapePart(name)
  return name.endsWith(FILE_MARK) ? unescapePart(name.slice(0, -FILE_MARK.length)) : undefined
}

/**
 * The path of a key's file; undefined when its folder does not exist and `create` is false.
 *
 * @throws TrainyardError `forbidden` when a symbolic link on the way leads elsewhere
 */
export async function objectPath(
  fs: StoreFileSystem,
  objectsDir: string,
  key: string,
  { create }: { create: boolean },
): Promise<string | undefined> {
  const path = join(objectsDir, ...partsOf(key))
  const folder = dirname(path)
  if (create) await fs.mkdir(folder, { recursive: true })
  let real: string
  try {
    real = await fs.realpath(folder)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  if (real !== folder) throw new TrainyardError('forbidden', `The key "${key}" leads through a symbolic link`)
  return path
}

/** Whether a file operation failed because the path does not exist. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')
}
