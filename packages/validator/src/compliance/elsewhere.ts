import { chmod, lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where programs write that ignore WORK_DIR. In production these folders do not exist, or are read-only. */
const PATHS = ['/tmp', '/var/tmp', '/dev/shm', '/root', '/home', '/srv', '/mnt', '/data'] as const
/** util-linux mounts /dev/shm last. */
const NOT_IN_UTIL_LINUX: readonly string[] = ['/dev/shm']
const MAX_FILES = 100

/** A folder that a trainer sees at `path`. */
interface WatchedFolder {
  readonly path: string
  readonly dir: string
}

/** Creates empty folders in which files outside of the work folder are found afterwards. */
export async function createElsewhere(parent: string, sandboxKind: string): Promise<WatchedFolder[]> {
  const folders: WatchedFolder[] = []
  for (const path of PATHS) {
    if (sandboxKind === 'util-linux' && NOT_IN_UTIL_LINUX.includes(path)) continue
    const dir = join(parent, path.slice(1).replaceAll('/', '-'))
    await mkdir(dir, { recursive: true })
    await chmod(dir, 0o1777)
    folders.push({ path, dir })
  }
  return folders
}

/** The files in these folders, by the paths that the trainer used. Empty folders and files are the places of mounts. */
export async function listElsewhere(folders: readonly WatchedFolder[]): Promise<string[]> {
  const found: string[] = []
  const walk = async (dir: string, shown: string): Promise<void> => {
    for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
      if (found.length >= MAX_FILES) return
      if (entry.isDirectory()) await walk(join(dir, entry.name), `${shown}/${entry.name}`)
      else if (!(await isEmptyFile(join(dir, entry.name)))) found.push(`${shown}/${entry.name}`)
    }
  }
  for (const { dir, path } of folders) await walk(dir, path)
  return found
}

async function isEmptyFile(path: string): Promise<boolean> {
  const info = await lstat(path).catch(() => undefined)
  return info === undefined || (info.isFile() && info.size === 0)
}
