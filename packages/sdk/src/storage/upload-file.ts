import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  type ArtifactKind,
  type CompleteArtifactRequest,
  CreateArtifactResponse,
  type SignedPart,
  type SignedRequest,
} from '../contract/index.ts'
import { NetworkError, ResourceError } from '../errors.ts'
import type { PlatformApi } from '../http/platform-api.ts'
import { type BackoffOptions, backoffMs, isRetryableStatus, retryAfterMs, sleep } from '../http/retry.ts'
import { asNetworkError, type Transport } from '../http/transport.ts'
import type { ArtifactOptions, UploadedArtifact } from '../job.ts'
import { forEachConcurrently } from '../util/for-each-concurrently.ts'

export interface UploadContext {
  api: PlatformApi
  transport: Transport
  /** Where a folder is packed before it is sent. */
  workDir: string
  backoff?: BackoffOptions
  /** Tries of one PUT. Default 6. */
  maxTries?: number
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
export async function packFolder(dir: string, archive: string): Promise<void> {
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
  const sha256 = await hashFile(file)
  const body = { kind, name, sizeBytes, sha256, contentType, ...(metadata ? { metadata } : {}) }
  const created = CreateArtifactResponse.parse(await context.api.call('POST', '/artifacts', { body, ...withSignal }))
  const complete: CompleteArtifactRequest = {}
  const renew = async () =>
    CreateArtifactResponse.parse(await context.api.call('POST', '/artifacts', { body, ...withSignal }))
  let id = created.id

  if (created.upload.type === 'single') {
    const range = { offset: 0, sizeBytes }
    await putWithRetry(context, file, range, created.upload.request, signal, async () => {
      const again = await renew()
      id = again.id
      return again.upload.type === 'single' ? again.upload.request : undefined
    })
  } else if (created.upload.type === 'parts') {
    const parts: { partNumber: number; etag: string }[] = []
    await forEachConcurrently(created.upload.parts, context.parallelParts ?? 4, async (part: SignedPart) => {
      const etag = await putWithRetry(context, file, part, part, signal)
      parts.push({ partNumber: part.partNumber, etag })
    })
    complete.parts = parts.sort((a, b) => a.partNumber - b.partNumber)
  }
  // With "none" the platform has the bytes, and has checked them.
  if (created.upload.type === 'none') return { id, name, sizeBytes, sha256 }
  await context.api.call('POST', `/artifacts/${encodeURIComponent(id)}/complete`, { body: complete, ...withSignal })
  return { id, name, sizeBytes, sha256 }
}

/** Sends a range of the file; the answer is its ETag. The file is opened again for each try. */
async function putWithRetry(
  context: UploadContext,
  file: string,
  range: { offset: number; sizeBytes: number },
  signed: SignedRequest,
  signal?: AbortSignal,
  renew?: () => Promise<SignedRequest | undefined>,
): Promise<string> {
  const { transport, backoff = {}, maxTries = 6 } = context
  const host = new URL(signed.url).host
  let request = signed
  let mayRenew = renew !== undefined
  for (let failures = 1; ; failures++) {
    let waitMs = backoffMs(failures, backoff)
    let failure: Error
    try {
      const body =
        range.sizeBytes === 0
          ? ''
          : createReadStream(file, { start: range.offset, end: range.offset + range.sizeBytes - 1 })
      const response = await transport.send({
        method: request.method,
        url: request.url,
        headers: { ...request.headers, 'content-length': String(range.sizeBytes) },
        body,
        ...(signal ? { signal } : {}),
      })
      const { status, headers } = response
      await response.text()
      if (status >= 200 && status < 300) return String(headers.etag ?? '')
      failure = new NetworkError(`Storage at ${host} answered an upload with ${status}`, { status })
      waitMs = Math.max(waitMs, retryAfterMs(headers['retry-after'], new Date()) ?? 0)
      // A signature that ran out while we waited.
      if (status === 403 && mayRenew && Date.parse(request.expiresAt) <= Date.now() + 60_000) {
        mayRenew = false
        request = (await renew?.()) ?? request
        continue
      }
      if (!isRetryableStatus(status)) throw failure
    } catch (error) {
      failure = asNetworkError(error, host)
      if (!(failure instanceof NetworkError)) throw failure
      if (failure.status !== undefined && !isRetryableStatus(failure.status)) throw failure
    }
    if (failures >= maxTries) throw failure
    await sleep(waitMs, signal ? { signal } : {})
  }
}

export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
