import { chmod, lstat, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The cached datasets of one run. Trainers can write to them, so that what they change can be seen. */
export interface DatasetWatch {
  /** Lets trainers write to a dataset, before they get its path. `folder` is relative to the cache. */
  open(folder: string): Promise<void>
  /** What was changed or deleted since then; the next run gets another copy. Files that were added do not count. */
  close(): Promise<string[]>
}

export function createDatasetWatch(cacheDir: string): DatasetWatch {
  const opened = new Map<string, ReadonlyMap<string, Buffer>>()
  return {
    async open(folder) {
      const dir = join(cacheDir, folder)
      if (opened.has(folder)) return
      const files = new Map<string, Buffer>()
      opened.set(folder, files)
      for (const path of await listFiles(dir)) files.set(path, await readFile(join(dir, path)))
      await setModes(dir, { folders: 0o777, files: 0o666 })
    },
    async close() {
      const changes: string[] = []
      for (const [folder, files] of opened) {
        const dir = join(cacheDir, folder)
        await setModes(dir, { folders: 0o755, files: 0o644 })
        const found = await listFiles(dir)
        const before = changes.length
        for (const [path, original] of files) {
          const after = found.includes(path) ? await readFile(join(dir, path)) : undefined
          if (after?.equals(original)) continue
          changes.push(`${path} (${after === undefined ? 'deleted' : 'changed'})`)
        }
        // Nothing is written into it: a trainer can have put links there.
        if (changes.length > before) await rm(join(cacheDir, dirname(folder)), { recursive: true, force: true })
        else await setModes(dir, { folders: 0o555, files: 0o444 })
      }
      opened.clear()
      return changes
    },
  }
}

/** Regular files below a folder. A trainer could have put links in their places. */
async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(dir.length + 1))
}

async function setModes(dir: string, modes: { folders: number; files: number }): Promise<void> {
  const info = await lstat(dir).catch(() => undefined)
  if (info?.isFile()) await chmod(dir, modes.files)
  if (!info?.isDirectory()) return
  await chmod(dir, modes.folders)
  for (const name of await readdir(dir)) await setModes(join(dir, name), modes)
}
