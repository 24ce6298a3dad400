import { chmodSync, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { DatasetCache } from './launcher.ts'

/**
 * The folder that a runner fills for its trainers. Who runs as somebody else can open what they know the name of, a digest, and
 * cannot list what else is there.
 */
export function openCacheFolder(dir: string, maxGb: number): DatasetCache {
  const cache = { dir: resolve(dir), maxGb }
  mkdirSync(cache.dir, { recursive: true })
  try {
    chmodSync(cache.dir, 0o711)
  } catch {
    // Another's, who has given it the rights it has.
  }
  return cache
}
