import { createHash } from 'node:crypto'
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
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { SignedRequest } from '@trainyard/contract'
import { notFound, TrainyardError } from '../errors.ts'
import { inParts } from './in-parts.ts'
import { checkKey, checkPartNumber, checkPrefix } from './keys.ts'
import { DEFAULT_CONTENT_TYPE, DEFAULT_EXPIRY_SECONDS, type ObjectStore } from './object-store.ts'

export interface S3StoreOptions {
  /** Default: Amazon's own for the region. */
  endpoint?: string
  region: string
  /** Exists already. */
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  /** The endpoint as trainers and browsers reach it, where that is another one. Signed URLs point there. */
  publicEndpoint?: string
  /** `endpoint/bucket/key` rather than `bucket.endpoint/key`. Default: true. */
  forcePathStyle?: boolean
}

const PART_BYTES = 16 * 1024 * 1024
/** S3 copies at most 5 GiB in one request. */
const COPY_BYTES = 4 * 1024 * 1024 * 1024

/** An object store in a bucket of any S3-compatible service. */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  const { publicEndpoint: _, ...nearby } = options
  const { bucket: Bucket, endpoint, publicEndpoint = endpoint } = options
  const client = createClient(options, endpoint)
  const signer = publicEndpoint === endpoint ? client : createClient(options, publicEndpoint)

  async function guard<T>(what: string, key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw explain(error, what, key)
    }
  }

  async function find(key: string) {
    checkKey(key)
    try {
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: key }))
      return {
        sizeBytes: head.ContentLength ?? 0,
        etag: head.ETag ?? '',
        contentType: head.ContentType ?? DEFAULT_CONTENT_TYPE,
      }
    } catch (error) {
      const explained = explain(error, 'object', key)
      if (explained.code === 'not_found') return undefined
      throw explained
    }
  }

  async function putPart(key: string, uploadId: string, partNumber: number, body: Uint8Array) {
    const part = await client.send(
      new UploadPartCommand({ Bucket, Key: key, UploadId: uploadId, PartNumber: partNumber, Body: body }),
    )
    return { etag: part.ETag ?? '', sizeBytes: body.byteLength }
  }

  const store: ObjectStore = {
    async put(key, body, { contentType = DEFAULT_CONTENT_TYPE } = {}) {
      checkKey(key)
      const hash = createHash('sha256')
      let sizeBytes = 0
      let uploadId: string | undefined
      let pending: Uint8Array | undefined
      const parts: { PartNumber: number; ETag: string }[] = []
      const flush = async (part: Uint8Array) => {
        uploadId ??= (await store.createMultipart(key, { contentType })).uploadId
        const partNumber = parts.length + 1
        const { etag } = await guard('upload', key, () => putPart(key, uploadId ?? '', partNumber, part))
        parts.push({ PartNumber: partNumber, ETag: etag })
      }
      try {
        for await (const part of inParts(body, PART_BYTES)) {
          hash.update(part)
          sizeBytes += part.byteLength
          // One part is held back: an object of a single part needs no multipart upload.
          if (pending !== undefined) await flush(pending)
          pending = part
        }
        const last = pending ?? new Uint8Array()
        if (uploadId === undefined) {
          const put = new PutObjectCommand({ Bucket, Key: key, Body: last, ContentType: contentType })
          const { ETag = '' } = await guard('object', key, () => client.send(put))
          return { sizeBytes, sha256: hash.digest('hex'), etag: ETag }
        }
        await flush(last)
        const complete = new CompleteMultipartUploadCommand({
          ...{ Bucket, Key: key, UploadId: uploadId },
          MultipartUpload: { Parts: parts },
        })
        const { ETag = '' } = await guard('upload', key, () => client.send(complete))
        return { sizeBytes, sha256: hash.digest('hex'), etag: ETag }
      } catch (error) {
        if (uploadId !== undefined) await store.abortMultipart(key, uploadId).catch(() => undefined)
        throw error
      }
    },
    async get(key, { range } = {}) {
      checkKey(key)
      const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }
      const answer = await guard('object', key, () => client.send(new GetObjectCommand({ Bucket, Key: key, ...Range })))
      return {
        body: answer.Body as AsyncIterable<Uint8Array>,
        sizeBytes: answer.ContentLength ?? 0,
        etag: answer.ETag ?? '',
        contentType: answer.ContentType ?? DEFAULT_CONTENT_TYPE,
      }
    },
    find,
    async delete(key) {
      checkKey(key)
      await guard('object', key, () => client.send(new DeleteObjectCommand({ Bucket, Key: key })))
    },
    async deletePrefix(prefix) {
      checkPrefix(prefix)
      let count = 0
      for (;;) {
        const page = await guard('prefix', prefix, () =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix })),
        )
        const Objects = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]))
        if (Objects.length === 0) return count
        const remove = new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })
        const { Errors = [] } = await guard('prefix', prefix, () => client.send(remove))
        if (Errors[0] !== undefined) {
          throw new TrainyardError('storage_unavailable', `"${Errors[0].Key}" could not be deleted: ${Errors[0].Code}`)
        }
        count += Objects.length
      }
    },
    async *list(prefix) {
      checkPrefix(prefix)
      let token: string | undefined
      do {
        const next = token === undefined ? {} : { ContinuationToken: token }
        const page = await guard('prefix', prefix, () =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, ...next })),
        )
        for (const { Key, Size = 0, ETag = '' } of page.Contents ?? []) {
          if (Key !== undefined) yield { key: Key, sizeBytes: Size, etag: ETag }
        }
        token = page.NextContinuationToken
      } while (token !== undefined)
    },
    async rename(from, to) {
      checkKey(from)
      checkKey(to)
      const info = await find(from)
      if (info === undefined) throw notFound('object', from)
      if (from === to) return
      const CopySource = `${Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`
      if (info.sizeBytes <= COPY_BYTES) {
        await guard('object', from, () => client.send(new CopyObjectCommand({ Bucket, Key: to, CopySource })))
      } else {
        const { uploadId } = await store.createMultipart(to, { contentType: info.contentType })
        try {
          const parts: { partNumber: number; etag: string }[] = []
          for (let start = 0; start < info.sizeBytes; start += COPY_BYTES) {
            const end = Math.min(start + COPY_BYTES, info.sizeBytes) - 1
            const PartNumber = parts.length + 1
            const copy = new UploadPartCopyCommand({
              ...{ Bucket, Key: to, UploadId: uploadId, PartNumber, CopySource },
              CopySourceRange: `bytes=${start}-${end}`,
            })
            const { CopyPartResult } = await guard('object', from, () => client.send(copy))
            parts.push({ partNumber: PartNumber, etag: CopyPartResult?.ETag ?? '' })
          }
          await store.completeMultipart(to, uploadId, parts)
        } catch (error) {
          await store.abortMultipart(to, uploadId).catch(() => undefined)
          throw error
        }
      }
      await store.delete(from)
    },
    async signGet(key, { expiresInSeconds = DEFAULT_EXPIRY_SECONDS, fileName, contentType } = {}) {
      checkKey(key)
      const command = new GetObjectCommand({
        ...{ Bucket, Key: key },
        ...(contentType === undefined ? {} : { ResponseContentType: contentType }),
        ...(fileName === undefined ? {} : { ResponseContentDisposition: disposition(fileName) }),
      })
      const url = await getSignedUrl(signer, command, { expiresIn: expiresInSeconds })
      return signed('GET', url, {}, expiresInSeconds)
    },
    async signPut(key, options) {
      const {
        sizeBytes,
        sha256,
        contentType = DEFAULT_CONTENT_TYPE,
        expiresInSeconds = DEFAULT_EXPIRY_SECONDS,
      } = options
      checkKey(key)
      const headers: Record<string, string> = {
        // Signed, so a client that streams must send it too.
        'content-length': String(sizeBytes),
        // So is this one: the SDK would sign a type of its own choice otherwise.
        'content-type': contentType,
        ...(sha256 === undefined ? {} : { 'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64') }),
      }
      const command = new PutObjectCommand({
        ...{ Bucket, Key: key, ContentLength: sizeBytes, ContentType: contentType },
        ...(sha256 === undefined ? {} : { ChecksumSHA256: headers['x-amz-checksum-sha256'] ?? '' }),
      })
      const url = await getSignedUrl(signer, command, {
        expiresIn: expiresInSeconds,
        // In the query the digest would be a promise; as a signed header, the store holds the sender to it.
        unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
        signableHeaders: new Set(['host', 'content-length', 'content-type', 'x-amz-checksum-sha256']),
      })
      return signed('PUT', url, headers, expiresInSeconds)
    },
    async createMultipart(key, { contentType = DEFAULT_CONTENT_TYPE } = {}) {
      checkKey(key)
      const command = new CreateMultipartUploadCommand({ Bucket, Key: key, ContentType: contentType })
      const { UploadId } = await guard('object', key, () => client.send(command))
      if (UploadId === undefined) throw new TrainyardError('storage_unavailable', 'The object store gave no upload id')
      return { uploadId: UploadId }
    },
    async signPart(key, uploadId, { partNumber, sizeBytes, expiresInSeconds = DEFAULT_EXPIRY_SECONDS }) {
      checkKey(key)
      checkPartNumber(partNumber)
      const command = new UploadPartCommand({
        ...{ Bucket, Key: key, UploadId: uploadId },
        ...{ PartNumber: partNumber, ContentLength: sizeBytes },
      })
      const url = await getSignedUrl(signer, command, {
        expiresIn: expiresInSeconds,
        signableHeaders: new Set(['host', 'content-length']),
      })
      return signed('PUT', url, { 'content-length': String(sizeBytes) }, expiresInSeconds)
    },
    async putPart(key, uploadId, partNumber, body) {
      checkKey(key)
      checkPartNumber(partNumber)
      // S3 wants to know a part's length before its bytes, so a part is held in memory.
      const chunks: Uint8Array[] = []
      for await (const chunk of body instanceof Uint8Array ? [body] : body) chunks.push(chunk)
      return await guard('upload', uploadId, () => putPart(key, uploadId, partNumber, Buffer.concat(chunks)))
    },
    async listParts(key, uploadId) {
      checkKey(key)
      const parts: { partNumber: number; sizeBytes: number; etag: string }[] = []
      let marker: string | undefined
      do {
        const next = marker === undefined ? {} : { PartNumberMarker: marker }
        const command = new ListPartsCommand({ Bucket, Key: key, UploadId: uploadId, ...next })
        const page = await guard('upload', uploadId, () => client.send(command))
        for (const { PartNumber = 0, Size = 0, ETag = '' } of page.Parts ?? [])
          parts.push({ partNumber: PartNumber, sizeBytes: Size, etag: ETag })
        marker = page.IsTruncated ? page.NextPartNumberMarker : undefined
      } while (marker !== undefined)
      return parts
    },
    async completeMultipart(key, uploadId, parts) {
      checkKey(key)
      if (parts.length === 0) throw new TrainyardError('invalid_request', 'parts must hold at least one part')
      const Parts = parts
        .toSorted((a, b) => a.partNumber - b.partNumber)
        .map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }))
      const command = new CompleteMultipartUploadCommand({
        ...{ Bucket, Key: key, UploadId: uploadId },
        MultipartUpload: { Parts },
      })
      await guard('upload', uploadId, () => client.send(command))
    },
    async abortMultipart(key, uploadId) {
      checkKey(key)
      try {
        await client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId }))
      } catch (error) {
        const explained = explain(error, 'upload', uploadId)
        if (explained.code !== 'not_found') throw explained
      }
    },
    bucket: Bucket,
    get nearby() {
      return publicEndpoint === endpoint ? undefined : createS3Store(nearby)
    },
    openBucket: (bucket) => createS3Store({ ...options, bucket }),
  }
  return store
}

function createClient(options: S3StoreOptions, endpoint: string | undefined): S3Client {
  return new S3Client({
    region: options.region,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    forcePathStyle: options.forcePathStyle ?? true,
    ...(endpoint === undefined ? {} : { endpoint }),
    // A store that is away is said to be away soon; large transfers may take their time.
    requestHandler: { connectionTimeout: 5000 },
    // The default adds a checksum to presigned PUTs that a plain HTTP client does not send.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

function signed(
  method: 'GET' | 'PUT',
  url: string,
  headers: Record<string, string>,
  expiresInSeconds: number,
): SignedRequest {
  return { method, url, headers, expiresAt: new Date(Date.now() + expiresInSeconds * 1000).toISOString() }
}

function disposition(fileName: string): string {
  return `attachment; filename*=UTF-8''${encodeURIComponent(fileName.toWellFormed())}`
}

/** The service's error in our vocabulary. */
function explain(error: unknown, what: string, key: string): TrainyardError {
  if (error instanceof TrainyardError) return error
  const name = error instanceof Error ? error.name : ''
  const status = statusOf(error)
  if (['NoSuchKey', 'NotFound', 'NoSuchUpload'].includes(name) || (status === 404 && name !== 'NoSuchBucket')) {
    return new TrainyardError('not_found', `There is no ${what} "${key.slice(0, 200)}" here`, { cause: error })
  }
  if (
    ['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'InvalidRange', 'BadDigest'].includes(name) ||
    status === 416
  ) {
    const reason = error instanceof Error ? error.message : name
    return new TrainyardError('invalid_request', `The object store refuses ${what} "${key.slice(0, 200)}": ${reason}`, {
      cause: error,
    })
  }
  return new TrainyardError(
    'storage_unavailable',
    `The object store does not serve ${what} "${key.slice(0, 200)}" now`,
    {
      cause: error,
      retryAfterSeconds: 5,
    },
  )
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? Number(metadata.httpStatusCode)
    : undefined
}
