import { createHash, type Hash } from 'node:crypto'
import { createReadStream, createWriteStream, writeFile } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { DatasetError, NetworkError, ResourceError } from '../errors.ts'
import {
  type BackoffOptions,
  createRetries,
  isRetryableStatus,
  type RetryLimits,
  readRetryAfter,
} from '../http/retry.ts'
import { asNetworkError, type HttpResponse, type Transport } from '../http/transport.ts'

export interface DownloadSource {
  url: string
  headers?: Record<string, string>
  sizeBytes: number
  sha256?: string | undefined
}

export interface DownloadContext {
  transport: Transport
  backoff?: BackoffOptions
  /** How long one file is tried again. Defaults: at least 8 times, and for 10 minutes; damaged bytes count tries only. */
  limits?: RetryLimits
  signal?: AbortSignal
  /**
   * Nobody looks at the target yet: small files are written in place and read-only, without a temporary name. Takes a
   * third off the time of many small files.
   */
  isUnpublished?: boolean
}

const write = promisify(writeFile)

/** How often one file may get a fresh URL. */
const MAX_RENEWALS = 3
/** How often wrong bytes are fetched again: they are rarely right the next time. */
const MAX_DAMAGED = 4

/** Below this a file is held in memory on its way: a stream costs more than the bytes. */
const SMALL_BYTES = 256 * 1024

/**
 * Downloads to a temporary file, checks size and digest, and renames. Goes on where a broken transfer stopped, as long as
 * the ETag is the same. `renew` gives a fresh URL when this one has expired. `name` is what errors call the file.
 */
export async function downloadFile(
  context: DownloadContext,
  source: DownloadSource,
  target: string,
  name: string,
  renew?: () => Promise<DownloadSource | undefined>,
): Promise<void> {
  const { backoff = {}, limits = {}, signal } = context
  const retries = createRetries({ backoff, limits, ...(signal ? { signal } : {}) })
  const temporary = `${target}.part`
  let current = source
  let etag: string | undefined
  let renewals = 0
  for (;;) {
    signal?.throwIfAborted()
    const outcome = await transfer(context, current, target, temporary, name, etag).catch((error: unknown): Outcome => {
      const failure = asNetworkError(error, new URL(current.url).host)
      if (!(failure instanceof NetworkError)) throw failure
      return { type: 'again', failure }
    })
    if (outcome.type === 'done') return
    etag = outcome.etag ?? etag
    if (outcome.type === 'expired' && renew !== undefined && renewals < MAX_RENEWALS) {
      const fresh = await renew()
      if (fresh !== undefined) {
        renewals++
        current = fresh
        continue
      }
    }
    if (outcome.type === 'expired' || outcome.type === 'refused') throw outcome.failure
    if (outcome.type === 'damaged' && retries.failures + 1 >= (limits.maxTries ?? MAX_DAMAGED)) throw outcome.failure
    if (!(await retries.wait(outcome.retryAfterMs))) throw outcome.failure
  }
}

type Outcome =
  | { type: 'done' }
  | {
      type: 'expired' | 'refused' | 'again' | 'damaged'
      failure: Error
      etag?: string | undefined
      retryAfterMs?: number | undefined
    }

async function transfer(
  { transport, signal, isUnpublished = false }: DownloadContext,
  source: DownloadSource,
  target: string,
  temporary: string,
  name: string,
  etag: string | undefined,
): Promise<Outcome> {
  const held =
    etag === undefined
      ? 0
      : await stat(temporary).then(
          (stats) => stats.size,
          () => 0,
        )
  const isResume = held > 0 && held < source.sizeBytes && etag !== undefined
  const response = await transport.send({
    method: 'GET',
    url: source.url,
    headers: { ...source.headers, ...(isResume ? { range: `bytes=${held}-`, 'if-range': etag ?? '' } : {}) },
    ...(signal ? { signal } : {}),
  })
  const host = new URL(source.url).host
  const { status, headers } = response
  if (status !== 200 && status !== 206) {
    response.discard()
    const failure = new NetworkError(`Storage at ${host} answered the download of "${name}" with ${status}`, { status })
    if (isRetryableStatus(status)) return { type: 'again', failure, retryAfterMs: readRetryAfter(headers) }
    if (status === 416) {
      await rm(temporary, { force: true })
      return { type: 'again', failure: new NetworkError(failure.message) }
    }
    // S3 says 403 to a signature that has run out, and 400 in some of its kin.
    return { type: status === 403 || status === 401 || status === 400 ? 'expired' : 'refused', failure }
  }
  // A weak ETag must not be used with If-Range: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
  const strong = headers.etag?.startsWith('"') ? headers.etag : undefined
  const start = status === 206 ? held : 0
  const hash = createHash('sha256')
  try {
    if (start === 0 && source.sizeBytes <= SMALL_BYTES)
      return await saveSmall(response, source, target, isUnpublished ? undefined : temporary, name)
    await saveLarge(response, temporary, start, hash)
  } catch (error) {
    if (isDiskFull(error)) throw new ResourceError(`There is no room on the disk for "${name}"`, { cause: error })
    const failure = asNetworkError(error, host)
    if (!(failure instanceof NetworkError)) throw failure
    return { type: 'again', failure, etag: strong }
  }
  const { size } = await stat(temporary)
  if (size < source.sizeBytes) {
    return {
      type: 'again',
      failure: new NetworkError(`"${name}" ended after ${size} of ${source.sizeBytes} bytes`),
      etag: strong,
    }
  }
  const damage = describeDamage(source, name, size, source.sha256 === undefined ? undefined : hash.digest('hex'))
  if (damage !== undefined) {
    await rm(temporary, { force: true })
    return { type: 'damaged', failure: damage }
  }
  await rename(temporary, target)
  return { type: 'done' }
}

async function saveSmall(
  response: HttpResponse,
  source: DownloadSource,
  target: string,
  temporary: string | undefined,
  name: string,
): Promise<Outcome> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length
    // Leaving the loop destroys the body.
    if (size > source.sizeBytes) break
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const digest = source.sha256 === undefined ? undefined : createHash('sha256').update(bytes).digest('hex')
  const damage = describeDamage(source, name, size, digest)
  if (damage !== undefined) return { type: 'damaged', failure: damage }
  // With callbacks: half of the time of many small files is to create them, and promises of file handles double that.
  if (temporary === undefined) await write(target, bytes, { flag: 'wx', mode: 0o444 })
  else {
    await write(temporary, bytes)
    await rename(temporary, target)
  }
  return { type: 'done' }
}

/** Writes the body behind the first `start` bytes. All of the file goes through `hash`, on its way and not from disk. */
async function saveLarge(response: HttpResponse, temporary: string, start: number, hash: Hash): Promise<void> {
  await mkdir(dirname(temporary), { recursive: true })
  if (start > 0) for await (const chunk of createReadStream(temporary, { end: start - 1 })) hash.update(chunk)
  const file = createWriteStream(temporary, {
    highWaterMark: 1024 * 1024,
    ...(start > 0 ? { flags: 'r+', start } : { flags: 'w' }),
  })
  response.body.on('data', (chunk: Buffer) => hash.update(chunk))
  await pipeline(response.body, file)
}

function describeDamage(
  { sizeBytes, sha256 }: DownloadSource,
  name: string,
  size: number,
  digest: string | undefined,
): NetworkError | undefined {
  if (size !== sizeBytes) return new NetworkError(`"${name}" came with ${size} bytes; ${sizeBytes} were announced`)
  if (sha256 === digest) return undefined
  return new NetworkError(`"${name}" came with the SHA-256 ${digest}; ${sha256} was announced`)
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/** A download that failed for good, in the words of who needed it. */
export function asDatasetError(error: unknown): unknown {
  if (error instanceof NetworkError && error.status !== undefined && error.status < 500 && error.status !== 401) {
    return new DatasetError(error.message, { cause: error })
  }
  return error
}
