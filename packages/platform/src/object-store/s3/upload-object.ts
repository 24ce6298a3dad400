import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { DigestMismatch } from '../../errors.ts'
import type { ObjectBody, StoredObject } from '../object-store.ts'
import { toTrainyardError, translateErrors } from './s3-errors.ts'

const PART_BYTES = 16 * 1024 * 1024
/** Parts sent at the same time. An upload holds these in memory, and one more that is being read. */
const PARALLEL_PARTS = 4

interface ObjectHead {
  Bucket: string
  Key: string
  ContentType: string
}

/**
 * Uploads an object and hashes it on the way. Up to 16 MiB are sent in one request. A longer stream becomes a multipart
 * upload with several parts at a time, which is aborted when the sender or the store fails.
 */
export async function uploadObject(
  client: S3Client,
  head: ObjectHead,
  { body, digest }: { body: ObjectBody; digest?: string | undefined },
): Promise<StoredObject> {
  const hash = createHash('sha256')
  if (body instanceof Uint8Array && body.byteLength <= PART_BYTES && digest === undefined) {
    const command = new PutObjectCommand({ ...head, Body: body })
    const { ETag = '' } = await translateErrors('object', head.Key, () => client.send(command))
    return { sizeBytes: body.byteLength, sha256: hash.update(body).digest('hex'), etag: ETag }
  }
  const sender = new HashedSender(body, hash, digest)
  const upload = new Upload({
    client,
    params: { ...head, Body: Readable.from(sender.chunks()) },
    partSize: PART_BYTES,
    queueSize: PARALLEL_PARTS,
  })
  try {
    const { ETag = '' } = await upload.done()
    return { sizeBytes: sender.sizeBytes, sha256: sender.sha256, etag: ETag }
  } catch (error) {
    throw sender.failed ? error : toTrainyardError(error, 'object', head.Key)
  }
}

class HashedSender {
  sizeBytes = 0
  /** Whether the bytes failed to arrive, rather than the upload. */
  failed = false
  readonly #source: AsyncIterator<Uint8Array>
  readonly #hash: Hash
  readonly #expected: { digest: string; algorithm: string; hash: Hash } | undefined
  /** Hex, at the end. */
  sha256 = ''

  constructor(body: ObjectBody, hash: Hash, digest: string | undefined) {
    const [algorithm = ''] = digest?.split(':') ?? []
    const second = algorithm === 'sha512' ? createHash(algorithm) : hash
    this.#expected = digest === undefined ? undefined : { digest, algorithm, hash: second }
    this.#source = (body instanceof Uint8Array ? once(body) : body)[Symbol.asyncIterator]()
    this.#hash = hash
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const { done, value } = await this.#next()
        if (done === true) return this.#finish()
        this.#hash.update(value)
        if (this.#expected !== undefined && this.#expected.hash !== this.#hash) this.#expected.hash.update(value)
        this.sizeBytes += value.byteLength
        yield value
      }
    } finally {
      await this.#source.return?.()
    }
  }

  /** What is thrown here aborts the upload before the store has the object. */
  #finish(): void {
    this.sha256 = this.#hash.digest('hex')
    if (this.#expected === undefined) return
    const { digest, algorithm, hash } = this.#expected
    const actual = `${algorithm}:${hash === this.#hash ? this.sha256 : hash.digest('hex')}`
    if (actual === digest) return
    this.failed = true
    throw new DigestMismatch(digest, actual)
  }

  /** Failures are noted here and not around the loop: the stream throws a failure of the upload into the generator. */
  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#source.next()
    } catch (error) {
      this.failed = true
      throw error
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
