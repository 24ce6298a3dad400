import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BridgeContents } from './bridge-contents.ts'

/** Writes the bridge into a folder. Every user can read it, and none but the owner can change it. */
export async function stageBridge({ files, links }: BridgeContents, dir: string): Promise<void> {
  for (const { path, from } of files) {
    const to = join(dir, path)
    await mkdir(dirname(to), { recursive: true, mode: 0o755 })
    await copyFile(from, to)
    await chmod(to, path.startsWith('app/') ? 0o444 : 0o555)
  }
  for (const { path, target } of links) {
    await mkdir(dirname(join(dir, path)), { recursive: true, mode: 0o755 })
    await symlink(target, join(dir, path))
  }
}
