import type { SignedRequest } from '@trainyard/contract'

/** What is known of an object without reading it. `etag` changes whenever the bytes do; it is quoted, as HTTP writes it. */
export interface ObjectInfo {
  sizeBytes: number
  etag: string
  contentType: string
}

/**
 * Bytes by key. A key is a relative path (`isSafeRelativePath` of the contract). What is put replaces what was there, at
 * once and as a whole: no reader sees half of it.
 *
 * Methods throw `TrainyardError`: `not_found`, `invalid_request` for a key or part that is not usable, and
 * `storage_unavailable` when the store does not answer.
 */
export interface ObjectStore {
  /** Streams the bytes in and hashes them on the way. */
  put(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { contentType?: string },
  ): Promise<{ sizeBytes: number; sha256: string; etag: string }>
  /** `range` counts bytes from 0 and includes its end; `sizeBytes` is of what comes, not of the whole. */
  get(
    key: string,
    options?: { range?: { start: number; end?: number } | undefined },
  ): Promise<ObjectInfo & { body: AsyncIterable<Uint8Array> }>
  find(key: string): Promise<ObjectInfo | undefined>
  /** What is absent is deleted already. */
  delete(key: string): Promise<void>
  /** Deletes all keys that begin with the text, and says how many there were. */
  deletePrefix(prefix: string): Promise<number>
  /** All keys that begin with the text, in the order of their UTF-8 bytes. */
  list(prefix: string): AsyncIterable<{ key: string; sizeBytes: number; etag: string }>
  rename(from: string, to: string): Promise<void>
  /** Anyone may GET (or HEAD) with it until it expires, by default after an hour. */
  signGet(
    key: string,
    options?: { expiresInSeconds?: number; fileName?: string; contentType?: string },
  ): Promise<SignedRequest>
  /** Anyone may PUT with it, once or again, exactly this many bytes and, if given, with exactly this SHA-256 (hex). */
  signPut(
    key: string,
    options: { sizeBytes: number; sha256?: string; contentType?: string; expiresInSeconds?: number },
  ): Promise<SignedRequest>
  createMultipart(key: string, options?: { contentType?: string }): Promise<{ uploadId: string }>
  /** Part numbers go from 1 to 10,000. All parts but the last have at least 5 MiB: S3 wants that. */
  signPart(
    key: string,
    uploadId: string,
    options: { partNumber: number; sizeBytes: number; expiresInSeconds?: number },
  ): Promise<SignedRequest>
  putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<{ etag: string; sizeBytes: number }>
  /** The parts that are held, in the order of their numbers. Throws `not_found` for an upload that is over. */
  listParts(key: string, uploadId: string): Promise<{ partNumber: number; sizeBytes: number; etag: string }[]>
  /** Joins the parts in the order of their numbers. An etag that is not the part's is refused. */
  completeMultipart(
    key: string,
    uploadId: string,
    parts: readonly { partNumber: number; etag: string }[],
  ): Promise<void>
  abortMultipart(key: string, uploadId: string): Promise<void>
  /** The same store, whose signed requests lead where this process reaches it; absent where all reach it there. */
  readonly nearby?: ObjectStore | undefined
  /** Name of the bucket that this is; absent where there are no buckets. */
  readonly bucket?: string
  /** Another bucket of the same service, by the same credentials; absent where there are no buckets. */
  openBucket?: (bucket: string) => ObjectStore
}

export const DEFAULT_EXPIRY_SECONDS = 3600
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream'
