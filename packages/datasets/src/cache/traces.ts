import { type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { StoredFile } from './stored-file.ts'

/** The most files and folders that are checked when an entry is opened. `verify` checks all of them. */
const MAX_SPOTS = 2048

/** The times of the last change of inodes (ctime): programs cannot set them back, unlike the time of the content. */
export interface Traces {
  /** Every folder: adding or removing a file changes it. */
  folders: [path: string, ctimeMs: number][]
  /** Files that are checked on every use, spread over the whole dataset. */
  spots: [path: string, sizeBytes: number, ctimeMs: number][]
}

/** Records the traces of an entry. */
export function findTraces(dir: string, files: readonly StoredFile[]): Traces {
  const folders = [...new Set(['.', ...files.map(({ path }) => dirname(path))])].slice(0, MAX_SPOTS)
  const step = Math.max(1, files.length / MAX_SPOTS)
  const spots = Array.from(
    { length: Math.min(MAX_SPOTS, files.length) },
    (_, number) => files[Math.floor(number * step)],
  )
  return {
    folders: folders.map((folder) => [folder, statSync(join(dir, folder)).ctimeMs]),
    spots: spots
      .filter((file) => file !== undefined)
      .map(({ path, sizeBytes }) => [path, sizeBytes, statSync(join(dir, path)).ctimeMs]),
  }
}

/** Whether the recorded folders and files are unchanged. */
export function isUnmodified(dir: string, { folders, spots }: Traces): boolean {
  return (
    folders.every(([folder, ctimeMs]) => find(join(dir, folder))?.ctimeMs === ctimeMs) &&
    spots.every(([path, sizeBytes, ctimeMs]) => {
      const seen = find(join(dir, path))
      return seen?.ctimeMs === ctimeMs && seen.size === sizeBytes
    })
  )
}

function find(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
