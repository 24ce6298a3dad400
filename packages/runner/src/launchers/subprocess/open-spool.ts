import { constants, createReadStream, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { spoolPath } from '@trainyard/contract/spool'
import { isCode } from './attempt-folder.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * Opens the spool in the work folder of an attempt. The trainer wrote both: a link to a file elsewhere is not followed, and
 * neither a pipe, nor a file with a second name, which may be that of another attempt, is read. Undefined without a spool.
 */
export async function openSpool(workDir: string, attempt: number): Promise<AsyncIterable<Buffer> | undefined> {
  const path = spoolPath(attempt)
  let folder: FileHandle | undefined
  let file: FileHandle | undefined
  try {
    folder = await open(join(workDir, dirname(path)), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    // Below the open folder, because the trainer's children may replace the folder by a link.
    const dir = process.platform === 'linux' ? `/proc/self/fd/${folder.fd}` : join(workDir, dirname(path))
    file = await open(join(dir, basename(path)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (!isOwnFile(await file.stat())) throw new Error('its spool is not a file of its own')
    // Closes the file at its end, or when its reader stops.
    return createReadStream('', { fd: file, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>
  } catch (error) {
    await file?.close()
    if (isCode(error, 'ENOENT')) return undefined
    if (isCode(error, 'ELOOP') || isCode(error, 'ENOTDIR')) throw new Error('its spool is a link')
    throw error
  } finally {
    await folder?.close()
  }
}

const isOwnFile = (stats: Stats): boolean => stats.isFile() && stats.nlink === 1
