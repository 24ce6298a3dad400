import { createHash, type Hash, hash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, renameSync, statSync, writeFile } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { DatasetError, NetworkError } from '@trainyard/contract/trainer-errors'
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

const write = promisify(writeFile)

/** A smaller file is done before more streams have come up to speed. */
const RANGES_FROM_BYTES = 64 * 1024 * 1024

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
  renew?: Renew,
): Promise<void> {
  const { rangesFromBytes = RANGES_FROM_BYTES } = context
  if (source.sizeBytes >= rangesFromBytes) {
    const { downloadInRanges } = await import('./download-in-ranges.ts')
    if (await downloadInRanges(context, source, target, name, renew)) return
  }
  const temporary = `${target}.part`
  let etag: string | undefined
  await tryUntilDone(context, source, renew, async (current) => {
    const outcome = await transfer(context, current, target, temporary, name, etag)
    if (outcome.type !== 'done') etag = outcome.etag ?? etag
    return outcome
  })
}

async function transfer(
  context: DownloadContext,
  source: DownloadSource,
  target: string,
  temporary: string,
  name: string,
  etag: string | undefined,
): Promise<Outcome> {
  const held = etag === undefined ? 0 : (statSync(temporary, { throwIfNoEntry: false })?.size ?? 0)
  const isResume = held > 0 && held < source.sizeBytes
  const file = new ArrivingFile(source, temporary)
  let isWanted = false
  let tag: string | undefined
  try {
    const head = await context.transport.receive(
      {
        url: source.url,
        headers: { ...source.headers, ...(isResume ? { range: `bytes=${held}-`, 'if-range': etag ?? '' } : {}) },
        ...(context.signal ? { signal: context.signal } : {}),
      },
      (found) => {
        isWanted = found.status === 200 || found.status === 206
        if (!isWanted) return undefined
        tag = strongEtag(found)
        file.open(found.status === 206 ? held : 0)
        return (bytes) => file.write(bytes)
      },
    )
    if (!isWanted) {
      if (head.status !== 416) return judgeStatus(head, source.url, name)
      await rm(temporary, { force: true })
      return { type: 'again', failure: new NetworkError(`Storage holds less of "${name}" than was announced`) }
    }
  } catch (error) {
    file.close()
    if (!(error instanceof NetworkError)) throw asDiskError(error, name)
    return { type: 'again', failure: error, etag: tag }
  }
  file.close()
  if (file.size < source.sizeBytes && file.isOnDisk) {
    const failure = new NetworkError(`"${name}" ended after ${file.size} of ${source.sizeBytes} bytes`)
    return { type: 'again', failure, etag: tag }
  }
  const damage = describeDamage(source, name, file.size, file.digest())
  if (damage !== undefined) {
    if (file.isOnDisk) await rm(temporary, { force: true })
    return { type: 'damaged', failure: damage }
  }
  try {
    // With callbacks: half of the time of many small files is to create them, and promises of file handles double that.
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

/** A file on its way: a small one in memory, a larger one on disk, hashed as it comes. */
class ArrivingFile {
  readonly #source: DownloadSource
  readonly #path: string
  #memory: Buffer | undefined
  #handle: number | undefined
  #hash: Hash | undefined
  size = 0

  constructor(source: DownloadSource, path: string) {
    this.#source = source
    this.#path = path
  }

  get isOnDisk(): boolean {
    return this.#memory === undefined
  }

  get bytes(): Buffer {
    return this.#memory?.subarray(0, this.size) ?? Buffer.alloc(0)
  }

  /** From the start, or behind the `start` bytes that are there. */
  open(start: number): void {
    const { sizeBytes, sha256 } = this.#source
    this.size = start
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

  /** Synchronous: into memory or the system's cache of the file, from a buffer that is used again. */
  write(bytes: Buffer): void {
    if (this.#memory !== undefined) {
      if (this.size < this.#memory.length) bytes.copy(this.#memory, this.size)
    } else if (this.#handle !== undefined) {
      writeWhole(this.#handle, bytes, this.size)
      this.#hash?.update(bytes)
    }
    this.size += bytes.length
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

/** A download that failed for good, in the words of who needed it. */
export function asDatasetError(error: unknown): unknown {
  if (error instanceof NetworkError && error.status !== undefined && error.status < 500 && error.status !== 401) {
    return new DatasetError(error.message, { cause: error })
  }
  return error
}
