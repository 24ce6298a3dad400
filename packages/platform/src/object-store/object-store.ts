import type { SignedRequest } from '@trainyard/contract'

/** The properties of an object. */
export interface ObjectInfo {
  sizeBytes: number
  /** Changes whenever the bytes do. Quoted, as in HTTP. */
  etag: string
  contentType: string
}

export type ObjectBody = Uint8Array | AsyncIterable<Uint8Array>

export interface StoredObject {
  sizeBytes: number
  /** Hex. */
  sha256: string
  etag: string
}

export interface ListedObject {
  key: string
  sizeBytes: number
  etag: string
}

export interface StoredPart {
  partNumber: number
  sizeBytes: number
  etag: string
}

export interface GetOptions {
  /** Counted from 0, `end` included. Default: the whole object. */
  range?: { start: number; end?: number | undefined } | undefined
}

/** For whom a request is signed: a token or session, or the attempt of a job. */
export interface Bearer {
  kind: 'token' | 'attempt'
  id: string
}

/** Whether a bearer is still valid. */
export type BearerCheck = (id: string) => Promise<boolean>

interface ExpiryOptions {
  /** Default: 3600. */
  expiresInSeconds?: number | undefined
  /** The request ends with its bearer, where the store can check it. Default: it ends only with its time. */
  bearer?: Bearer | undefined
}

export interface SignGetOptions extends ExpiryOptions {
  /** The name under which browsers save the object. */
  fileName?: string | undefined
  /** Sent instead of the stored content type. */
  contentType?: string | undefined
}

export interface SignPutOptions extends ExpiryOptions {
  /** Any other number of bytes is refused. */
  sizeBytes: number
  /** Hex. Bytes with another SHA-256 are refused. */
  sha256?: string | undefined
  contentType?: string | undefined
}

export interface SignPartOptions extends ExpiryOptions {
  /** 1 to 10,000. */
  partNumber: number
  /** At least 5 MiB for all parts but the last: a limit of S3. */
  sizeBytes: number
}

export interface PutOptions {
  contentType?: string | undefined
  /** `sha256:` or `sha512:` and hex digits. Other bytes are refused with a `DigestMismatch`, and nothing is stored. */
  digest?: string | undefined
}

/**
 * Bytes by key. A key is a relative path (`isSafeRelativePath` of the contract). Writing a key replaces its object
 * atomically: a reader gets either all of the old bytes or all of the new ones.
 *
 * Methods throw `TrainyardError`: `not_found`, `invalid_request` for an invalid key or part, and `storage_unavailable`
 * when the store does not answer.
 */
export interface ObjectStore {
  /** Stores a stream and hashes it on the way. Afterwards the object survives a crash of the machine. */
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject>
  /** With a range, `sizeBytes` is the length of the range. */
  get(key: string, options?: GetOptions): Promise<ObjectInfo & { body: AsyncIterable<Uint8Array> }>
  find(key: string): Promise<ObjectInfo | undefined>
  /** Succeeds for a key that does not exist. */
  delete(key: string): Promise<void>
  /** Deletes all keys that begin with the prefix, and returns their number. */
  deletePrefix(prefix: string): Promise<number>
  /** All keys that begin with the prefix, in the order of their UTF-8 bytes. */
  list(prefix: string): AsyncIterable<ListedObject>
  /** Afterwards the object survives a crash of the machine under its new key. */
  rename(from: string, to: string): Promise<void>
  /** How this server finds out whether bearers of one kind are valid. Undefined for a store whose URLs other servers serve. */
  checkBearers?(kind: Bearer['kind'], check: BearerCheck): void
  /** A GET (or HEAD) request that anyone can send until it expires. */
  signGet(key: string, options?: SignGetOptions): Promise<SignedRequest>
  /** A PUT request that anyone can send until it expires, also several times. */
  signPut(key: string, options: SignPutOptions): Promise<SignedRequest>
  createMultipart(key: string, options?: { contentType?: string | undefined }): Promise<{ uploadId: string }>
  signPart(key: string, uploadId: string, options: SignPartOptions): Promise<SignedRequest>
  putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: ObjectBody,
  ): Promise<{ etag: string; sizeBytes: number }>
  /** The uploaded parts in the order of their numbers. Throws `not_found` for an upload that was completed or aborted. */
  listParts(key: string, uploadId: string): Promise<StoredPart[]>
  /** Joins the parts in the order of their numbers. Throws `invalid_request` for an etag that is not the part's. */
  completeMultipart(
    key: string,
    uploadId: string,
    parts: readonly { partNumber: number; etag: string }[],
  ): Promise<void>
  abortMultipart(key: string, uploadId: string): Promise<void>
  /** The same store with signed requests for this process's own network; undefined when there is no difference. */
  readonly nearby?: ObjectStore | undefined
  /** Name of the bucket; undefined for a store without buckets. */
  readonly bucket?: string | undefined
  /** Another bucket of the same service, with the same credentials; undefined for a store without buckets. */
  openBucket?(bucket: string): ObjectStore
}

export const DEFAULT_EXPIRY_SECONDS = 3600
/** For answers that redirect: the request follows at once. A signed URL outlives the token for which it was made. */
export const REDIRECT_EXPIRY_SECONDS = 60
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream'
