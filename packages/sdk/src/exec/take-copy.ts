import { constants, type Stats } from 'node:fs'
import { basename, join } from 'node:path'
import type { CopyFileSystem } from './copy-file-system.ts'

/** A file or folder as it was when its line was read. */
export interface OpenedSource {
  /** Throws when it changed since then, or meanwhile. Resolves with the path of the copy. */
  copyTo(folder: string): Promise<string>
}

/**
 * Opens what a program named, at once and synchronously. An open file keeps its bytes when it is deleted or replaced by a rename,
 * as a hard link would, and also where no link can be made. Only a program that writes to the same file again can still change
 * them, so the bytes are copied, without cost on file systems that share blocks. Throws when it cannot be read.
 */
export function openSource(file: string, fs: CopyFileSystem): OpenedSource {
  // Without waiting: a pipe would otherwise block the bridge until something is written to it.
  const fd = fs.openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  let before: Stats
  try {
    before = fs.fstatSync(fd)
    if (!before.isDirectory() && !before.isFile()) throw new Error('it is neither a file nor a folder')
  } catch (error) {
    closeRead(fd, fs)
    throw error
  }
  if (before.isDirectory()) {
    closeRead(fd, fs)
    return { copyTo: (folder) => copyFolder(file, join(folder, basename(file)), fs) }
  }
  return {
    async copyTo(folder) {
      try {
        const target = join(folder, basename(file))
        await fs.mkdir(folder, { recursive: true })
        await fs.copyFile(pathOf(fd, file), target, constants.COPYFILE_FICLONE)
        requireSame(before, fs.fstatSync(fd))
        return target
      } finally {
        closeRead(fd, fs)
      }
    },
  }
}

/** An error of closing a file that was only read says nothing about its bytes. */
function closeRead(fd: number, fs: CopyFileSystem): void {
  try {
    fs.closeSync(fd)
  } catch {}
}

/** The open file, also when its path names another one by now. Only Linux can open it a second time, with a position of its own. */
function pathOf(fd: number, file: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${fd}` : file
}

function requireSame(before: Stats, after: Stats): void {
  if (after.size === before.size && after.mtimeMs === before.mtimeMs) return
  throw new Error(
    `it was written again while it was copied (${before.size} bytes, now ${after.size}); wait for the line "copied" in TRAINYARD_ACKS_FILE before you write to a file again`,
  )
}

async function copyFolder(source: string, target: string, fs: CopyFileSystem): Promise<string> {
  await fs.cp(source, target, { recursive: true })
  if ((await fs.readdir(target)).length === 0) throw new Error('it is an empty folder')
  return target
}
