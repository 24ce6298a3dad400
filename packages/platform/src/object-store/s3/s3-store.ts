import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import type { SignedRequest } from '@trainyard/contract'
import { notFound, TrainyardError } from '../../errors.ts'
import { checkKey, checkPartNumber, checkPrefix } from '../keys.ts'
import {
  DEFAULT_CONTENT_TYPE,
  type GetOptions,
  type ListedObject,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type SignGetOptions,
  type SignPartOptions,
  type SignPutOptions,
  type StoredObject,
  type StoredPart,
} from '../object-store.ts'
import { createS3Client, type S3StoreOptions } from './s3-client.ts'
import { toTrainyardError, translateErrors } from './s3-errors.ts'
import { signGet, signPart, signPut } from './sign-requests.ts'
import { uploadObject } from './upload-object.ts'

/** S3 copies at most 5 GiB in one request. */
const COPY_BYTES = 4 * 1024 * 1024 * 1024

/** An object store in a bucket of any S3-compatible service. */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  return new S3Store(options)
}

class S3Store implements ObjectStore {
  readonly bucket: string
  readonly #options: S3StoreOptions
  readonly #client: S3Client
  /** Signs for the endpoint that trainers and browsers reach. */
  readonly #signer: S3Client

  constructor(options: S3StoreOptions) {
    const { bucket, endpoint, publicEndpoint = endpoint } = options
    this.bucket = bucket
    this.#options = options
    this.#client = createS3Client(options, endpoint)
    this.#signer = publicEndpoint === endpoint ? this.#client : createS3Client(options, publicEndpoint)
  }

  get nearby(): ObjectStore | undefined {
    return this.#signer === this.#client ? undefined : new S3Store({ ...this.#options, publicEndpoint: undefined })
  }

  openBucket(bucket: string): ObjectStore {
    return new S3Store({ ...this.#options, bucket })
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<StoredObject> {
    const { contentType = DEFAULT_CONTENT_TYPE, digest } = options
    return await uploadObject(this.#client, { ...this.#at(key), ContentType: contentType }, { body, digest })
  }

  async get(key: string, { range }: GetOptions = {}): Promise<ObjectInfo & { body: AsyncIterable<Uint8Array> }> {
    const command = new GetObjectCommand({
      ...this.#at(key),
      Range: range === undefined ? undefined : `bytes=${range.start}-${range.end ?? ''}`,
    })
    const answer = await translateErrors('object', key, () => this.#client.send(command))
    return { ...infoOf(answer), body: answer.Body as AsyncIterable<Uint8Array> }
  }

  async find(key: string): Promise<ObjectInfo | undefined> {
    const command = new HeadObjectCommand(this.#at(key))
    try {
      return infoOf(await this.#client.send(command))
    } catch (error) {
      const translated = toTrainyardError(error, 'object', key)
      if (translated.code === 'not_found') return undefined
      throw translated
    }
  }

  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#at(key))
    await translateErrors('object', key, () => this.#client.send(command))
  }

  async deletePrefix(prefix: string): Promise<number> {
    checkPrefix(prefix)
    let count = 0
    for (;;) {
      // Always the first page, because the listed objects are deleted.
      const list = new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix })
      const { Contents = [] } = await translateErrors('prefix', prefix, () => this.#client.send(list))
      const keys = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]))
      if (keys.length === 0) return count
      const remove = new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects: keys, Quiet: true } })
      const { Errors = [] } = await translateErrors('prefix', prefix, () => this.#client.send(remove))
      const [failed] = Errors
      if (failed !== undefined)
        throw new TrainyardError('storage_unavailable', `"${failed.Key}" could not be deleted: ${failed.Code}`)
      count += keys.length
    }
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    checkPrefix(prefix)
    let token: string | undefined
    do {
      const command = new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: token })
      const page = await translateErrors('prefix', prefix, () => this.#client.send(command))
      for (const { Key, Size = 0, ETag = '' } of page.Contents ?? []) {
        if (Key !== undefined) yield { key: Key, sizeBytes: Size, etag: ETag }
      }
      token = page.NextContinuationToken
    } while (token !== undefined)
  }

  async rename(from: string, to: string): Promise<void> {
    const target = this.#at(to)
    const info = await this.find(from)
    if (info === undefined) throw notFound('object', from)
    if (from === to) return
    const source = `${this.bucket}/${from.split('/').map(encodeURIComponent).join('/')}`
    if (info.sizeBytes <= COPY_BYTES) {
      const command = new CopyObjectCommand({ ...target, CopySource: source })
      await translateErrors('object', from, () => this.#client.send(command))
    } else {
      await this.#copyInParts(source, to, info)
    }
    await this.delete(from)
  }

  async #copyInParts(source: string, to: string, { sizeBytes, contentType }: ObjectInfo): Promise<void> {
    const { uploadId } = await this.createMultipart(to, { contentType })
    try {
      const parts: { partNumber: number; etag: string }[] = []
      for (let start = 0; start < sizeBytes; start += COPY_BYTES) {
        const end = Math.min(start + COPY_BYTES, sizeBytes) - 1
        const partNumber = parts.length + 1
        const command = new UploadPartCopyCommand({
          ...this.#at(to),
          UploadId: uploadId,
          PartNumber: partNumber,
          CopySource: source,
          CopySourceRange: `bytes=${start}-${end}`,
        })
        const { CopyPartResult } = await translateErrors('object', to, () => this.#client.send(command))
        parts.push({ partNumber, etag: CopyPartResult?.ETag ?? '' })
      }
      await this.completeMultipart(to, uploadId, parts)
    } catch (error) {
      await this.abortMultipart(to, uploadId).catch(() => undefined)
      throw error
    }
  }

  async signGet(key: string, options: SignGetOptions = {}): Promise<SignedRequest> {
    const { expiresInSeconds = this.#options.urlSeconds } = options
    return await signGet(this.#signer, this.#at(key), { ...options, expiresInSeconds })
  }

  async signPut(key: string, options: SignPutOptions): Promise<SignedRequest> {
    return await signPut(this.#signer, this.#at(key), options)
  }

  async signPart(key: string, uploadId: string, options: SignPartOptions): Promise<SignedRequest> {
    checkPartNumber(options.partNumber)
    return await signPart(this.#signer, this.#inUpload(key, uploadId), options)
  }

  async createMultipart(
    key: string,
    { contentType = DEFAULT_CONTENT_TYPE }: { contentType?: string | undefined } = {},
  ): Promise<{ uploadId: string }> {
    const command = new CreateMultipartUploadCommand({ ...this.#at(key), ContentType: contentType })
    const { UploadId } = await translateErrors('object', key, () => this.#client.send(command))
    if (UploadId === undefined)
      throw new TrainyardError('storage_unavailable', 'The object store returned no upload id')
    return { uploadId: UploadId }
  }

  async putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: ObjectBody,
  ): Promise<{ etag: string; sizeBytes: number }> {
    const upload = this.#inUpload(key, uploadId)
    checkPartNumber(partNumber)
    // S3 needs the length of a part before its bytes, so the part is held in memory.
    const chunks: Uint8Array[] = []
    for await (const chunk of body instanceof Uint8Array ? [body] : body) chunks.push(chunk)
    const part = Buffer.concat(chunks)
    const command = new UploadPartCommand({ ...upload, PartNumber: partNumber, Body: part })
    const { ETag = '' } = await translateErrors('upload', uploadId, () => this.#client.send(command))
    return { etag: ETag, sizeBytes: part.byteLength }
  }

  async listParts(key: string, uploadId: string): Promise<StoredPart[]> {
    const parts: StoredPart[] = []
    let marker: string | undefined
    do {
      const command = new ListPartsCommand({ ...this.#inUpload(key, uploadId), PartNumberMarker: marker })
      const page = await translateErrors('upload', uploadId, () => this.#client.send(command))
      for (const { PartNumber = 0, Size = 0, ETag = '' } of page.Parts ?? [])
        parts.push({ partNumber: PartNumber, sizeBytes: Size, etag: ETag })
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined
    } while (marker !== undefined)
    return parts
  }

  async completeMultipart(
    key: string,
    uploadId: string,
    parts: readonly { partNumber: number; etag: string }[],
  ): Promise<void> {
    if (parts.length === 0) throw new TrainyardError('invalid_request', 'parts must have at least one item')
    const Parts = parts
      .toSorted((a, b) => a.partNumber - b.partNumber)
      .map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }))
    const command = new CompleteMultipartUploadCommand({ ...this.#inUpload(key, uploadId), MultipartUpload: { Parts } })
    await translateErrors('upload', uploadId, () => this.#client.send(command))
  }

  async abortMultipart(key: string, uploadId: string): Promise<void> {
    const command = new AbortMultipartUploadCommand(this.#inUpload(key, uploadId))
    try {
      await this.#client.send(command)
    } catch (error) {
      const translated = toTrainyardError(error, 'upload', uploadId)
      if (translated.code !== 'not_found') throw translated
    }
  }

  /** @throws TrainyardError `invalid_request` for a key that is not a safe path */
  #at(key: string): { Bucket: string; Key: string } {
    checkKey(key)
    return { Bucket: this.bucket, Key: key }
  }

  #inUpload(key: string, uploadId: string): { Bucket: string; Key: string; UploadId: string } {
    return { ...this.#at(key), UploadId: uploadId }
  }
}

interface ObjectHead {
  ContentLength?: number | undefined
  ETag?: string | undefined
  ContentType?: string | undefined
}

function infoOf({ ContentLength = 0, ETag = '', ContentType = DEFAULT_CONTENT_TYPE }: ObjectHead): ObjectInfo {
  return { sizeBytes: ContentLength, etag: ETag, contentType: ContentType }
}
