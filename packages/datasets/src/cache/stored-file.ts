/** A file of an entry as it was announced. */
export interface StoredFile {
  path: string
  sizeBytes: number
  sha256?: string | undefined
}
