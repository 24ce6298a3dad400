import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Size and modification time, by path. */
export type FolderSnapshot = ReadonlyMap<string, string>

/** Interpreters and package managers write into these folders automatically. */
const IGNORED = new Set(['node_modules', '.git', '.trainyard', '__pycache__'])

/** Lists a folder. Links are not followed. */
export async function snapshotFolder(dir: string): Promise<FolderSnapshot> {
  const found = new Map<string, string>()
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true }).catch(() => [])) {
      if (IGNORED.has(entry.name)) continue
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        found.set(`${path}/`, 'folder')
        await walk(path)
      } else {
        const stat = await lstat(join(dir, path)).catch(() => undefined)
        if (stat) found.set(path, `${stat.size} ${stat.mtimeMs}`)
      }
    }
  }
  await walk('')
  return found
}

/** Lists what was added, changed and deleted. */
export function compareSnapshots(before: FolderSnapshot, after: FolderSnapshot): string[] {
  const changes: string[] = []
  for (const [path, state] of after) {
    if (!before.has(path)) changes.push(`${path} (new)`)
    else if (before.get(path) !== state) changes.push(`${path} (changed)`)
  }
  for (const path of before.keys()) if (!after.has(path)) changes.push(`${path} (deleted)`)
  return changes
}
