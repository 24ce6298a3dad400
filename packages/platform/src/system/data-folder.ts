import { chmod, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { errorCode } from './describe-error.ts'
import { ensureWritableFolder } from './folders.ts'

/** The version of data folders that this release writes. Version 0: folders without a version file. */
const VERSION = 1
const VERSION_FILE = 'version'

/**
 * Opens a data folder: creates it for this user only (mode 0700), closes files and a folder that an earlier release made
 * readable for others, and checks which release wrote it.
 *
 * @param what the purpose of the folder, for example `"the data folder (DATA_DIR)"`
 * @throws ConfigError when the folder cannot be used, or a newer release wrote it
 */
export async function openDataFolder(dir: string, what: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch(() => {})
  await ensureWritableFolder(dir, what)
  const version = await readVersion(dir)
  if (version > VERSION) {
    throw new ConfigError(
      `${dir} was written by a newer release (version ${version}; this one knows versions up to ${VERSION}). Start that release, or restore a backup of an earlier one into another folder`,
    )
  }
  await closeToOthers(dir)
  if (version < VERSION) await writeVersion(dir)
}

async function readVersion(dir: string): Promise<number> {
  const file = join(dir, VERSION_FILE)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '0'
    throw new ConfigError(`${file} cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error })
  })
  if (!/^\d{1,9}\s*$/.test(text))
    throw new ConfigError(
      `${file} has the content "${text.slice(0, 50)}"; expected a number. Restore the file, or remove it if an earlier release wrote the folder`,
    )
  return Number(text)
}

async function writeVersion(dir: string): Promise<void> {
  const draft = join(dir, `${VERSION_FILE}.new`)
  await writeFile(draft, `${VERSION}\n`, { mode: 0o600, flush: true })
  await rename(draft, join(dir, VERSION_FILE))
}

/** A folder that others may only enter (0711) stays so: a database of another user may need it. */
async function closeToOthers(dir: string): Promise<void> {
  try {
    const { mode } = await stat(dir)
    if ((mode & 0o066) !== 0) await chmod(dir, 0o700)
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(dir, entry.name)
      const info = await stat(path).catch(() => undefined)
      if (info !== undefined && (info.mode & 0o077) !== 0) await chmod(path, info.mode & 0o700)
    }
  } catch (error) {
    // The folder belongs to another user, who decides.
    if (errorCode(error) !== 'EPERM') throw error
  }
}
