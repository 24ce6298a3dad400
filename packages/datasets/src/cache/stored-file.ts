/** A file of an entry, with the size and digest that the platform announced. */
export interface StoredFile {
  path: string
  sizeBytes: number
  sha256?: string | undefined
}
