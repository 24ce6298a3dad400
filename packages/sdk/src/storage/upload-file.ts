import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  type ArtifactKind,
  type CompleteArtifactRequest,
  CreateArtifactResponse,
  type SignedPart,
  type SignedRequest,
} from '@trainyard/contract'
import { NetworkError, ResourceError } from '@trainyard/contract/trainer-errors'
import {
  asNetworkError,
  type BackoffOptions,
  createRetries,
  forEachConcurrently,
  hashFile,
  isRetryableStatus,
  type RetryLimits,
  readRetryAfter,
  type Transport,
} from '@trainyard/datasets/transfer'
import type { PlatformApi } from '../http/platform-api.ts'
import type { ArtifactOptions, UploadedArtifact } from '../job.ts'

export interface UploadContext {
  api: PlatformApi
  transport: Transport
  /** Where a folder is packed before it is sent. */
  workDir: string
  backoff?: BackoffOptions
  /** How long one PUT is tried again. Defaults: at least 8 times, and for 10 minutes. */
  limits?: RetryLimits
  /** Parts under way at once. Default 4. */
  parallelParts?: number
}

export interface UploadFileOptions extends ArtifactOptions {
  signal?: AbortSignal
}

/**
 * Uploads a file straight to storage and has the platform check size and digest. A folder is sent as a tar. Throws
 * `ResourceError` when the file cannot be read, `NetworkError` when storage does not take it.
 */
export async function uploadFile(
  context: UploadContext,
  kind: ArtifactKind,
  file: string,
  options: UploadFileOptions = {},
): Promise<UploadedArtifact> {
  const stats = await stat(file).catch((error: unknown) => {
    throw new ResourceError(`"${file}" cannot be uploaded: there is no such file`, { cause: error })
  })
  if (!stats.isDirectory()) return upload(context, kind, file, stats.size, basename(file), options)
  const folder = await mkdtemp(join(context.workDir, 'upload-'))
  try {
    const archive = join(folder, 'folder.tar')
    await packFolder(file, archive)
    const { size } = await stat(archive)
    const { name = basename(file) } = options
    const archiveName = name.endsWith('.tar') ? name : `${name}.tar`
    return await upload(context, kind, archive, size, archiveName, { ...options, name: archiveName })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Packs a folder so that the same files give the same bytes. */
async function packFolder(dir: string, archive: string): Promise<void> {
  const { packTar } = await import('modern-tar/fs')
  const { createWriteStream } = await import('node:fs')
  const map = <T extends object>(header: T): T => ({
    ...header,
    mtime: new Date(0),
    uid: 0,
    gid: 0,
    uname: '',
    gname: '',
  })
  await pipeline(packTar(dir, { map, concurrency: 1 }), createWriteStream(archive))
}

async function upload(
  context: UploadContext,
  kind: ArtifactKind,
  file: string,
  sizeBytes: number,
  ownName: string,
  options: UploadFileOptions,
): Promise<UploadedArtifact> {
  const { name = ownName, contentType = 'application/octet-stream', metadata, signal } = options
  const withSignal = signal ? { signal } : {}
  for (let isFirst = true; ; isFirst = false) {
    const sha256 = await hashFile(file)
    const body = { kind, name, sizeBytes, sha256, contentType, ...(metadata ? { metadata } : {}) }
    const announce = async () =>
      CreateArtifactResponse.parse(await context.api.call('POST', '/artifacts', { body, ...withSignal }))
    const created = await announce()
    const { id, complete } = await sendBytes(context, file, sizeBytes, created, announce, options)
    const artifact = { id, name, sizeBytes, sha256 }
    if (complete === undefined) return artifact
    try {
      await context.api.call('POST', `/artifacts/${encodeURIComponent(id)}/complete`, { body: complete, ...withSignal })
      return artifact
    } catch (error) {
      // Other bytes than announced arrived, for example because the file was written to: once more from its start.
      const isDamaged = error instanceof NetworkError && error.status === 422
      if (!isDamaged || !isFirst) throw error
      sizeBytes = (await stat(file)).size
    }
  }
}

/** What is sent, and under which id. Without `complete` the platform holds the bytes already, and has checked them. */
interface SentBytes {
  id: string
  complete?: CompleteArtifactRequest
}

/** Sends a file as the platform wants it: whole or in parts. */
async function sendBytes(
  context: UploadContext,
  file: string,
  sizeBytes: number,
  created: CreateArtifactResponse,
  announce: () => Promise<CreateArtifactResponse>,
  options: UploadFileOptions,
): Promise<SentBytes> {
  const { signal, onProgress = () => {} } = options
  const { upload } = created
  let { id } = created
  if (upload.type === 'none') return { id }

  const sent = new Map<number, number>()
  const report = (partNumber: number, bytes: number) => {
    sent.set(partNumber, bytes)
    onProgress({ sentBytes: [...sent.values()].reduce((sum, part) => sum + part, 0), totalBytes: sizeBytes })
  }
  // An announcement that is repeated is answered with fresh signatures. Parts that expire together are renewed together.
  let renewing: { at: number; answer: Promise<CreateArtifactResponse> } | undefined
  const renew = () => {
    if (renewing === undefined || performance.now() - renewing.at > 10_000)
      renewing = { at: performance.now(), answer: announce() }
    return renewing.answer
  }
  const withSignal = signal ? { signal } : {}

  if (upload.type === 'single') {
    const range = { offset: 0, sizeBytes }
    const etag = await putWithRetry(context, file, upload.request, range, {
      ...withSignal,
      onProgress: (bytes) => report(1, bytes),
      async renew() {
        const fresh = await renew()
        id = fresh.id
        return fresh.upload.type === 'single' ? fresh.upload.request : undefined
      },
    })
    return etag === undefined ? { id } : { id, complete: {} }
  }
  // What an earlier process of this job has sent is not sent again.
  const parts = upload.held.map(({ partNumber, etag }) => ({ partNumber, etag }))
  for (const { partNumber, sizeBytes: heldBytes } of upload.held) report(partNumber, heldBytes)
  const partCount = upload.parts.length + parts.length
  await forEachConcurrently(upload.parts, context.parallelParts ?? 4, async (part: SignedPart) => {
    const { partNumber } = part
    const etag = await putWithRetry(context, file, part, part, {
      ...withSignal,
      onProgress: (bytes) => report(partNumber, bytes),
      async renew() {
        const fresh = await renew()
        if (fresh.upload.type !== 'parts') return undefined
        if (fresh.id !== id) throw new ResourceError(`The platform began the upload of "${file}" anew`)
        const unsent = fresh.upload.parts.find((other) => other.partNumber === partNumber)
        const held = fresh.upload.held.find((other) => other.partNumber === partNumber)
        return unsent ?? (held && { etag: held.etag })
      },
    })
    if (etag !== undefined) parts.push({ partNumber, etag })
  })
  // Fewer: the platform came to hold the whole file while we were at it.
  if (parts.length < partCount) return { id }
  return { id, complete: { parts: parts.sort((a, b) => a.partNumber - b.partNumber) } }
}

interface PutOptions {
  signal?: AbortSignal
  onProgress: (sentBytes: number) => void
  /** A fresh signature for the same bytes; undefined when none are wanted any more. */
  renew: () => Promise<SignedRequest | { etag: string } | undefined>
}

/** How often one PUT may get a fresh signature: a token may run out more than once while a slow line is at it. */
const MAX_RENEWALS = 3

/** Sends a range of the file, which is opened again for each try. The answer is its ETag; undefined: not wanted any more. */
async function putWithRetry(
  context: UploadContext,
  file: string,
  signed: SignedRequest,
  range: { offset: number; sizeBytes: number },
  { signal, onProgress, renew }: PutOptions,
): Promise<string | undefined> {
  const { transport, backoff = {}, limits = {} } = context
  const withSignal = signal ? { signal } : {}
  const retries = createRetries({ backoff, limits, ...withSignal })
  const host = new URL(signed.url).host
  let request = signed
  let renewals = 0
  for (;;) {
    let failure: Error
    let waitMs: number | undefined
    const body = openRange(file, range, onProgress)
    try {
      const response = await transport.send({
        method: request.method,
        url: request.url,
        headers: { ...request.headers, 'content-length': String(range.sizeBytes) },
        body: body.stream,
        ...withSignal,
      })
      const { status, headers } = response
      await response.text()
      if (status >= 200 && status < 300) {
        onProgress(range.sizeBytes)
        return String(headers.etag ?? '')
      }
      failure = new NetworkError(`Storage at ${host} answered an upload with ${status}`, { status })
      // A signature that ran out. By whose clock is not known, so that the time in the answer is not asked.
      if ((status === 403 || status === 401 || status === 400) && renewals < MAX_RENEWALS) {
        renewals++
        const fresh = await renew()
        if (fresh === undefined) return undefined
        if ('etag' in fresh) return fresh.etag
        if (fresh.url !== request.url) {
          request = fresh
          continue
        }
      }
      if (!isRetryableStatus(status)) throw failure
      waitMs = readRetryAfter(headers)
    } catch (error) {
      const broken = body.error()
      if (broken !== undefined)
        throw new ResourceError(`"${file}" cannot be read any more: ${broken.message}`, { cause: broken })
      failure = asNetworkError(error, host)
      if (!(failure instanceof NetworkError)) throw failure
      if (failure.status !== undefined && !isRetryableStatus(failure.status)) throw failure
    }
    if (!(await retries.wait(waitMs))) throw failure
  }
}

function openRange(
  file: string,
  { offset, sizeBytes }: { offset: number; sizeBytes: number },
  onProgress: (sentBytes: number) => void,
): { stream: Readable | ''; error(): Error | undefined } {
  if (sizeBytes === 0) return { stream: '', error: () => undefined }
  let failure: Error | undefined
  let sent = 0
  const stream = createReadStream(file, { start: offset, end: offset + sizeBytes - 1, highWaterMark: 256 * 1024 })
  stream.on('error', (error) => {
    failure = error
  })
  stream.on('data', (chunk) => {
    sent += chunk.length
    onProgress(sent)
  })
  // Adding a reader starts the flow; whoever pipes the stream starts it again.
  stream.pause()
  return { stream, error: () => failure }
}
