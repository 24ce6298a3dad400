import { createHash } from 'node:crypto'

export interface HashedFile {
  path: string
  sizeBytes: number
  sha256: string
}

/** SHA-256 over the sorted list of (path, size, SHA-256) of images and annotation files: equal content, equal hash. */
export function versionHash(files: readonly HashedFile[]): string {
  const hash = createHash('sha256')
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  for (const file of sorted) hash.update(`${file.path}\t${file.sizeBytes}\t${file.sha256}\n`)
  return hash.digest('hex')
}
