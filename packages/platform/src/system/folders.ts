import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { errorCode, errorMessage } from './describe-error.ts'

/**
 * Creates a folder when it does not exist, and tests that it is writable.
 *
 * @param what the purpose of the folder with the variable that sets it, for example `"the data folder (DATA_DIR)"`
 * @throws ConfigError
 */
export async function ensureWritableFolder(dir: string, what: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true })
    const probe = join(dir, `.write-test-${randomUUID()}`)
    await writeFile(probe, '')
    await rm(probe, { force: true })
  } catch (error) {
    throw new ConfigError(`${dir} cannot be used as ${what}: ${reason(error)}`, { cause: error })
  }
}

function reason(error: unknown): string {
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'this user cannot write there; change its owner or mode, or choose another folder'
    case 'EROFS':
      return 'its file system is read-only; choose another folder'
    case 'ENOSPC':
      return 'the disk is full; free some space, or choose another folder'
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a part of that path is a file, not a folder; choose another folder'
    default:
      return errorMessage(error)
  }
}
