import { chmodSync, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { DatasetCache } from './launcher.ts'

/**
 * Creates the folder that the runner fills with datasets for its trainers. Trainers run as other users: mode 0711 lets
 * them open a dataset whose digest they know, and keeps them from listing the others.
 */
export function openCacheFolder(dir: string, maxGb: number): DatasetCache {
  const cache = { dir: resolve(dir), maxGb }
  mkdirSync(cache.dir, { recursive: true })
  try {
    chmodSync(cache.dir, 0o711)
  } catch {
    // Another user owns the folder and sets its permissions.
  }
  return cache
}
