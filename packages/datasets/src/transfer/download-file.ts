import { createHash, type Hash, hash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, renameSync, statSync, writeFile } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { DatasetError, NetworkError } from '@trainyard/contract/trainer-errors'
import type { ResponseHead } from './transport.ts'
import {
  asDiskError,
  type DownloadContext,
  type DownloadSource,
  describeDamage,
  hashRange,
  judgeStatus,
  type Outcome,
  type Renew,
  strongEtag,
  tryUntilDone,
  writeWhole,
} from './try-download.ts'

export type { DownloadContext, DownloadSource } from './try-download.ts'

// With callbacks: creating a small file is half of its time, and the promises of file handles double that.
const write = promisify(writeFile)

/** A smaller file is complete before parallel streams have come up to speed. */
const RANGES_FROM_BYTES = 64 * 1024 * 1024

/** A smaller file is held in memory until it is complete: streaming it to disk costs more than the bytes. */
const SMALL_BYTES = 256 * 1024

/**
 * Downloads to a temporary file, checks size and digest, and renames it. Resumes a broken transfer if the ETag is still the
 * same. `renew` returns a fresh URL when this one has expired. `name` identifies the file in errors.
 */
export async function downloadFile(
  context: DownloadContext,
  source: DownloadSource,
  target: string,
  name: string,
  renew?: Renew,
): Promise<void> {
  const { rangesFromBytes = RANGES_FROM_BYTES } = context
  if (source.sizeBytes >= rangesFromBytes) {
    const { downloadInRanges } = await import('./download-in-ranges.ts')
    if (await downloadInRanges(context, source, target, name, renew)) return
  }
  let etag: string | undefined
  await tryUntilDone(context, source, renew, async (current) => {
    const outcome = await transfer(context, current, target, name, etag)
    if (outcome.type !== 'done') etag = outcome.etag ?? etag
    return outcome
  })
}

async function transfer(
  context: DownloadContext,
  source: DownloadSource,
  target: string,
  name: string,
  knownEtag: string | undefined,
): Promise<Outcome> {
  const temporary = `${target}.part`
  const held = knownEtag === undefined ? 0 : (statSync(temporary, { throwIfNoEntry: false })?.size ?? 0)
  const headers: Record<string, string> = { ...source.headers }
  if (knownEtag !== undefined && held > 0 && held < source.sizeBytes) {
    headers.range = `bytes=${held}-`
    headers['if-range'] = knownEtag
  }
  const file = new IncomingFile(source, temporary)
  const { url } = source
  let etag: string | undefined
  let head: ResponseHead
  try {
    head = await context.transport.receive({ url, headers, signal: context.signal }, (found) => {
      if (!hasContent(found)) return undefined
      etag = strongEtag(found)
      file.open(found.status === 206 ? held : 0)
      return (bytes) => file.write(bytes)
    })
  } catch (error) {
    if (!(error instanceof NetworkError)) throw asDiskError(error, name)
    return { type: 'again', failure: error, etag }
  } finally {
    file.close()
  }
  if (head.status === 416) {
    await rm(temporary, { force: true })
    return { type: 'again', failure: new NetworkError(`Storage holds fewer bytes of "${name}" than announced`) }
  }
  if (!hasContent(head)) return judgeStatus(head, url, name)
  if (file.sizeBytes < source.sizeBytes && file.isOnDisk) {
    const failure = new NetworkError(`"${name}" ended after ${file.sizeBytes} of ${source.sizeBytes} bytes`)
    return { type: 'again', failure, etag }
  }
  const damage = describeDamage(source, name, file.sizeBytes, file.digest())
  if (damage !== undefined) {
    if (file.isOnDisk) await rm(temporary, { force: true })
    return { type: 'damaged', failure: damage }
  }
  try {
    if (!file.isOnDisk && context.isUnpublished) await write(target, file.bytes, { flag: 'wx', mode: 0o444 })
    else {
      if (!file.isOnDisk) await write(temporary, file.bytes)
      renameSync(temporary, target)
    }
  } catch (error) {
    throw asDiskError(error, name)
  }
  return { type: 'done' }
}

function hasContent({ status }: ResponseHead): boolean {
  return status === 200 || status === 206
}

/** A file while it arrives: a small one in memory, a larger one on disk and hashed on the way. */
class IncomingFile {
  readonly #source: DownloadSource
  readonly #path: string
  #memory: Buffer | undefined
  #handle: number | undefined
  #hash: Hash | undefined
  sizeBytes = 0

  constructor(source: DownloadSource, path: string) {
    this.#source = source
    this.#path = path
  }

  get isOnDisk(): boolean {
    return this.#memory === undefined
  }

  get bytes(): Buffer {
    return this.#memory?.subarray(0, this.sizeBytes) ?? Buffer.alloc(0)
  }

  /** Starts the file, or continues it after the first `start` bytes. */
  open(start: number): void {
    const { sizeBytes, sha256 } = this.#source
    this.sizeBytes = start
    if (start === 0 && sizeBytes <= SMALL_BYTES) {
      this.#memory = Buffer.allocUnsafe(sizeBytes)
      return
    }
    mkdirSync(dirname(this.#path), { recursive: true })
    this.#handle = openSync(this.#path, start > 0 ? 'r+' : 'w+')
    if (sha256 === undefined) return
    this.#hash = createHash('sha256')
    hashRange(this.#hash, this.#handle, 0, start)
  }

  /** Synchronous: the bytes go into memory or into the page cache. */
  write(bytes: Uint8Array): void {
    if (this.#memory !== undefined) {
      const room = Math.max(0, this.#memory.length - this.sizeBytes)
      if (room > 0) this.#memory.set(bytes.subarray(0, room), this.sizeBytes)
    } else if (this.#handle !== undefined) {
      writeWhole(this.#handle, bytes, this.sizeBytes)
      this.#hash?.update(bytes)
    }
    this.sizeBytes += bytes.length
  }

  digest(): string | undefined {
    if (this.#source.sha256 === undefined) return undefined
    if (this.#memory !== undefined) return hash('sha256', this.bytes, 'hex')
    return this.#hash?.digest('hex')
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }
}

/** Turns the permanent failure of a download into a `DatasetError`. */
export function asDatasetError(error: unknown): unknown {
  if (error instanceof NetworkError && error.status !== undefined && error.status < 500 && error.status !== 401) {
    return new DatasetError(error.message, { cause: error })
  }
  return error
}
