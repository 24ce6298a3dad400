/** An exported file, as far as it was read. */
export interface ExportedFile {
  readonly head: Uint8Array
  readonly sizeBytes: number
}
