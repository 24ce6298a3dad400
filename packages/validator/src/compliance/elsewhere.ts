import { chmod, lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where programs write that ignore WORK_DIR. In production these folders do not exist, or are read-only. */
const PATHS: readonly string[] = ['/tmp', '/var/tmp', '/root', '/home', '/srv', '/mnt', '/data']
/** util-linux mounts /dev/shm last. */
export const PATHS_OF_SANDBOX: Readonly<Record<string, readonly string[]>> = {
  bubblewrap: [...PATHS, '/dev/shm'],
  'util-linux': PATHS,
}
/** An image can have the trainer in one of the others. */
export const PATHS_OF_CONTAINER: readonly string[] = ['/tmp', '/var/tmp']
const MAX_FILES = 100

/** A folder that a trainer sees at `path`. */
interface WatchedFolder {
  readonly path: string
  readonly dir: string
}

/** Creates empty folders in which files outside of the work folder are found afterwards. */
export async function createElsewhere(parent: string, paths: readonly string[] = PATHS): Promise<WatchedFolder[]> {
  const folders: WatchedFolder[] = []
  for (const path of paths) {
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
