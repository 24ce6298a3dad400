import { createHash } from 'node:crypto'

export interface HashedFile {
  path: string
  sizeBytes: number
  /** Of its bytes, when they were read. */
  sha256?: string | undefined
  /** As the store reports it, for an object that is only referenced. */
  etag?: string | undefined
}

/**
 * SHA-256 of the sorted list of (path, size, SHA-256 or else ETag) of images and annotation files. Equal content has an
 * equal hash. Paths contain no tabs and no line breaks, so the list is unambiguous.
 */
export function versionHash(files: readonly HashedFile[]): string {
  const hash = createHash('sha256')
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  for (const file of sorted) hash.update(`${file.path}\t${file.sizeBytes}\t${file.sha256 ?? `etag ${file.etag}`}\n`)
  return hash.digest('hex')
}
