import type { Hash } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { NetworkError, ResourceError } from '@trainyard/contract/trainer-errors'
import { type BackoffOptions, createRetries, isRetryableStatus, type RetryLimits, readRetryAfter } from './retry.ts'
import type { ResponseHead, Transport } from './transport.ts'

export interface DownloadSource {
  url: string
  headers?: Record<string, string> | undefined
  sizeBytes: number
  sha256?: string | undefined
}

export interface DownloadContext {
  transport: Transport
  backoff?: BackoffOptions | undefined
  /** Defaults: at least 8 tries and 10 minutes for one file; damaged bytes are limited by the number of tries alone. */
  limits?: RetryLimits | undefined
  signal?: AbortSignal | undefined
  /**
   * No other process reads the target yet, so small files are written in place and read-only, without a temporary name.
   * Saves a third of the time of many small files.
   */
  isUnpublished?: boolean | undefined
  /** Files of at least this size are downloaded in parallel ranges. Default 64 MiB. */
  rangesFromBytes?: number | undefined
  /** Length of a range. Default 16 MiB. */
  rangeBytes?: number | undefined
}

/** How often the URL of one file may be renewed. */
const MAX_RENEWALS = 3
/** How often damaged bytes are fetched again: they are rarely right the next time. */
export const MAX_DAMAGED = 4

/** Returns a fresh URL for the file that is being downloaded. */
export type Renew = () => Promise<DownloadSource | undefined>

export type Outcome =
  | { type: 'done' }
  | {
      type: 'expired' | 'refused' | 'again' | 'damaged'
      failure: Error
      etag?: string | undefined
      retryAfterMs?: number | undefined
    }

/** Repeats `attempt` until it is done or the limits are reached; renews an expired URL. */
export async function tryUntilDone(
  { backoff, limits, signal }: DownloadContext,
  source: DownloadSource,
  renew: Renew | undefined,
  attempt: (source: DownloadSource) => Promise<Outcome>,
): Promise<void> {
  const retries = createRetries({ backoff, limits, signal })
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
    if (outcome.type === 'damaged' && retries.failures + 1 >= (limits?.maxTries ?? MAX_DAMAGED)) throw outcome.failure
    if (!(await retries.wait(outcome.retryAfterMs))) throw outcome.failure
  }
}

/** The outcome of a response without usable bytes. */
export function judgeStatus({ status, headers }: ResponseHead, url: string, name: string): Outcome {
  const host = new URL(url).host
  const failure = new NetworkError(`Storage at ${host} answered the download of "${name}" with ${status}`, { status })
  if (isRetryableStatus(status)) return { type: 'again', failure, retryAfterMs: readRetryAfter(headers) }
  // S3 answers an expired signature with 403, some compatible servers with 400 or 401.
  return { type: status === 403 || status === 401 || status === 400 ? 'expired' : 'refused', failure }
}

/** A weak ETag must not be used with If-Range: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 */
export function strongEtag({ headers }: ResponseHead): string | undefined {
  return headers.etag?.startsWith('"') ? headers.etag : undefined
}

export function asDiskError(error: unknown, name: string): unknown {
  if (!isDiskFull(error)) return error
  return new ResourceError(`No space left on the disk for "${name}"`, { cause: error })
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

export function describeDamage(
  expected: DownloadSource,
  name: string,
  sizeBytes: number,
  sha256: string | undefined,
): NetworkError | undefined {
  if (sizeBytes !== expected.sizeBytes)
    return new NetworkError(`"${name}" has ${sizeBytes} bytes, expected ${expected.sizeBytes}`)
  if (sha256 === expected.sha256) return undefined
  return new NetworkError(`"${name}" has the SHA-256 ${sha256}, expected ${expected.sha256}`)
}

/** Writes all bytes: a nearly full disk takes a part of them before it fails. */
export function writeWhole(handle: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at, bytes.length - at, position + at)
}

/** Adds a range of a file to a hash. */
export function hashRange(hash: Hash, handle: number, start: number, end: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(1024 * 1024, Math.max(1, end - start)))
  for (let at = start; at < end; ) {
    const count = readSync(handle, buffer, 0, Math.min(buffer.length, end - at), at)
    if (count === 0) throw new Error(`The file ended at ${at} of ${end} bytes`)
    hash.update(buffer.subarray(0, count))
    at += count
  }
}
