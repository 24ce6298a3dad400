import type { Hash } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { NetworkError, ResourceError } from '@trainyard/contract/trainer-errors'
import type { ResponseHead } from './lean-connection.ts'
import { type BackoffOptions, createRetries, isRetryableStatus, type RetryLimits, readRetryAfter } from './retry.ts'
import type { Transport } from './transport.ts'

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
  /** From this size on a file comes in ranges side by side. Default 64 MiB. */
  rangesFromBytes?: number
  /** Length of a range. Default 16 MiB. */
  rangeBytes?: number
}

/** How often one file may get a fresh URL. */
const MAX_RENEWALS = 3
/** How often wrong bytes are fetched again: they are rarely right the next time. */
export const MAX_DAMAGED = 4

/** A fresh URL for what is being downloaded. */
export type Renew = () => Promise<DownloadSource | undefined>

export type Outcome =
  | { type: 'done' }
  | {
      type: 'expired' | 'refused' | 'again' | 'damaged'
      failure: Error
      etag?: string | undefined
      retryAfterMs?: number | undefined
    }

/** Tries until it is done or it is time to give up; renews a URL that has expired. */
export async function tryUntilDone(
  { backoff = {}, limits = {}, signal }: DownloadContext,
  source: DownloadSource,
  renew: Renew | undefined,
  attempt: (source: DownloadSource) => Promise<Outcome>,
): Promise<void> {
  const retries = createRetries({ backoff, limits, ...(signal ? { signal } : {}) })
  let current = source
  let renewals = 0
  for (;;) {
    signal?.throwIfAborted()
    const outcome = await attempt(current).catch((error: unknown): Outcome => {
      if (!(error instanceof NetworkError)) throw error
      return { type: 'again', failure: error }
    })
    if (outcome.type === 'done') return
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

/** What an answer that brings no bytes means. */
export function judgeStatus({ status, headers }: ResponseHead, url: string, name: string): Outcome {
  const host = new URL(url).host
  const failure = new NetworkError(`Storage at ${host} answered the download of "${name}" with ${status}`, { status })
  if (isRetryableStatus(status)) return { type: 'again', failure, retryAfterMs: readRetryAfter(headers) }
  // S3 says 403 to a signature that has run out, and 400 in some of its kin.
  return { type: status === 403 || status === 401 || status === 400 ? 'expired' : 'refused', failure }
}

/** A weak ETag must not be used with If-Range: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 */
export function strongEtag({ headers }: ResponseHead): string | undefined {
  return headers.etag?.startsWith('"') ? headers.etag : undefined
}

export function asDiskError(error: unknown, name: string): unknown {
  if (!isDiskFull(error)) return error
  return new ResourceError(`There is no room on the disk for "${name}"`, { cause: error })
}

export function describeDamage(
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

/** A disk that is full may take a part of it first. */
export function writeWhole(handle: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at, bytes.length - at, position + at)
}

/** Brings a part of a file into a hash. */
export function hashRange(hash: Hash, handle: number, start: number, end: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(1024 * 1024, Math.max(1, end - start)))
  for (let at = start; at < end; ) {
    const count = readSync(handle, buffer, 0, Math.min(buffer.length, end - at), at)
    if (count === 0) throw new Error(`The file ended at ${at} of ${end} bytes`)
    hash.update(buffer.subarray(0, count))
    at += count
  }
}
