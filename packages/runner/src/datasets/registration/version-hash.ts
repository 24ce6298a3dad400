import { createHash } from 'node:crypto'

export interface HashedFile {
  path: string
  sizeBytes: number
  /** Of its bytes, where they were read. */
  sha256?: string | undefined
  /** What the store says of an object that is only referred to. */
  etag?: string | undefined
}

/**
 * SHA-256 over the sorted list of (path, size, SHA-256 or else ETag) of images and annotation files: equal content, equal
 * hash. No path holds a tab or the end of a line.
 */
export function versionHash(files: readonly HashedFile[]): string {
  const hash = createHash('sha256')
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  for (const file of sorted) hash.update(`${file.path}\t${file.sizeBytes}\t${file.sha256 ?? `etag ${file.etag}`}\n`)
  return hash.digest('hex')
}
