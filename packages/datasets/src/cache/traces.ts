import { type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { StoredFile } from './stored-file.ts'

/** More than this are only looked at by `verify`: opening an entry must not take longer because it is large. */
const MAX_SPOTS = 2048

/** When an inode last changed in any way: unlike the time of its content, nobody can set it back. */
export interface Traces {
  /** Every folder: a file that came or went shows here. */
  folders: [path: string, ctimeMs: number][]
  /** Files that are looked at on every use, spread over all. */
  spots: [path: string, sizeBytes: number, ctimeMs: number][]
}

/** What to look at next time. */
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

/** Whether nobody was here, in a bounded number of looks. */
export function showsNoTouch(dir: string, { folders, spots }: Traces): boolean {
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
