/** The bytes of one request of an upload, kept as a separate object until the digest is known. */
export interface UploadChunkTable {
  upload_id: string
  number: number
  key: string
  size_bytes: number
  sha256: string
}
