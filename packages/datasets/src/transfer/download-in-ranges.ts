import { closeSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { NetworkError } from '@trainyard/contract/trainer-errors'
import { forEachConcurrently } from '../util/for-each-concurrently.ts'
import { createFrontHash, type FrontHash } from './front-hash.ts'
import { beginNotes, noteRange, readNotes } from './range-notes.ts'
import {
  asDiskError,
  type DownloadContext,
  type DownloadSource,
  describeDamage,
  judgeStatus,
  MAX_DAMAGED,
  type Outcome,
  type Renew,
  strongEtag,
  tryUntilDone,
  writeWhole,
} from './try-download.ts'

const RANGE_BYTES = 16 * 1024 * 1024
/** Parallel streams of one file. More of them only share the same bandwidth. */
const STREAMS = 4

/** The object in storage is no longer the one that the download started with. */
class ChangedError extends Error {}

/** The server does not support range requests. */
class NoRangesError extends Error {}

/**
 * Downloads a large file over parallel streams into one temporary file. Each complete range is noted, so that another
 * process can resume after a `kill -9`. A worker thread hashes the bytes in order, up to the first missing range.
 * Returns false, and leaves no files, when the server does not support ranges.
 */
export async function downloadInRanges(
  context: DownloadContext,
  source: DownloadSource,
  target: string,
  name: string,
  renew?: Renew,
): Promise<boolean> {
  const temporary = `${target}.part`
  mkdirSync(dirname(target), { recursive: true })
  for (let tries = 1; ; tries++) {
    const file = new RangesFile(source, temporary, context.rangeBytes ?? RANGE_BYTES)
    let failure: NetworkError | undefined
    try {
      await fetchRanges(context, source, file, name, renew)
      failure = describeDamage(source, name, source.sizeBytes, await file.digest())
      if (failure === undefined) {
        renameSync(temporary, target)
        file.removeNotes()
        return true
      }
    } catch (error) {
      if (error instanceof NoRangesError) {
        file.remove()
        return false
      }
      if (!(error instanceof ChangedError)) throw asDiskError(error, name)
      failure = new NetworkError(`"${name}" changed while it was downloaded`)
    } finally {
      await file.close()
    }
    file.remove()
    if (tries >= (context.limits?.maxTries ?? MAX_DAMAGED)) throw failure
  }
}

/** The temporary file of a download in ranges, with its notes and its hash. */
class RangesFile {
  readonly #source: DownloadSource
  readonly #path: string
  readonly #notesPath: string
  readonly #rangeBytes: number
  readonly #handle: number
  readonly #hash: FrontHash | undefined
  readonly #done: Set<number>
  /** The first range that is missing. */
  #front = 0
  #etag: string | undefined
  #hasNotes: boolean

  /** Opens the file, and continues it when its notes belong to the same download. */
  constructor(source: DownloadSource, path: string, rangeBytes: number) {
    const { sizeBytes, sha256 } = source
    this.#source = source
    this.#path = path
    this.#notesPath = `${path}.json`
    this.#rangeBytes = rangeBytes
    const notes = readNotes(this.#notesPath)
    const isWholeSize = statSync(path, { throwIfNoEntry: false })?.size === sizeBytes
    const isSame = isWholeSize && notes?.sizeBytes === sizeBytes && notes.rangeBytes === rangeBytes
    const held = isSame ? notes : undefined
    if (held === undefined) this.removeNotes()
    closeSync(openSync(path, held === undefined ? 'w' : 'a'))
    this.#handle = openSync(path, 'r+')
    ftruncateSync(this.#handle, sizeBytes)
    this.#done = held?.done ?? new Set()
    this.#etag = held?.etag
    this.#hasNotes = held !== undefined
    this.#hash = sha256 === undefined ? undefined : createFrontHash(path)
    this.#advance()
  }

  get etag(): string | undefined {
    return this.#etag
  }

  /** Numbers of the missing ranges. */
  get missing(): number[] {
    const count = Math.ceil(this.#source.sizeBytes / this.#rangeBytes)
    return Array.from({ length: count }, (_, number) => number).filter((number) => !this.#done.has(number))
  }

  rangeOf(number: number): { start: number; end: number } {
    return { start: number * this.#rangeBytes, end: this.#endOf(number) }
  }

  /** The first response determines the ETag; later ones must have the same. */
  confirm(etag: string | undefined, contentRange: string | undefined): void {
    this.#etag ??= etag
    if (this.#etag !== etag || contentRange?.endsWith(`/${this.#source.sizeBytes}`) !== true) throw new ChangedError()
  }

  write(bytes: Uint8Array, position: number): void {
    writeWhole(this.#handle, bytes, position)
  }

  complete(number: number): void {
    this.#done.add(number)
    if (this.#etag !== undefined) {
      const { sizeBytes } = this.#source
      if (!this.#hasNotes) beginNotes(this.#notesPath, { sizeBytes, rangeBytes: this.#rangeBytes, etag: this.#etag })
      this.#hasNotes = true
      noteRange(this.#notesPath, number)
    }
    this.#advance()
  }

  async digest(): Promise<string | undefined> {
    return await this.#hash?.digest()
  }

  removeNotes(): void {
    rmSync(this.#notesPath, { force: true })
  }

  remove(): void {
    rmSync(this.#path, { force: true })
    this.removeNotes()
  }

  async close(): Promise<void> {
    await this.#hash?.close()
    closeSync(this.#handle)
  }

  #endOf(number: number): number {
    return Math.min(this.#source.sizeBytes, (number + 1) * this.#rangeBytes)
  }

  #advance(): void {
    const start = this.#front
    while (this.#done.has(this.#front)) this.#front++
    if (this.#front > start) this.#hash?.advance(this.#endOf(this.#front - 1))
  }
}

async function fetchRanges(
  context: DownloadContext,
  source: DownloadSource,
  file: RangesFile,
  name: string,
  renew: Renew | undefined,
): Promise<void> {
  // One range renews the URL for those that follow.
  let latest = source
  const renewLatest =
    renew &&
    (async () => {
      const fresh = await renew()
      latest = fresh ?? latest
      return fresh
    })
  const fetchRange = async (number: number) => {
    const { start, end } = file.rangeOf(number)
    let at = start
    await tryUntilDone(context, latest, renewLatest, async ({ url, headers }): Promise<Outcome> => {
      const rangeHeaders: Record<string, string> = { ...headers, range: `bytes=${at}-${end - 1}` }
      if (file.etag !== undefined) rangeHeaders['if-range'] = file.etag
      const head = await context.transport.receive({ url, headers: rangeHeaders, signal: context.signal }, (found) => {
        if (found.status === 200) throw file.etag === undefined ? new NoRangesError() : new ChangedError()
        if (found.status !== 206) return undefined
        file.confirm(strongEtag(found), found.headers['content-range'])
        return (bytes) => {
          const own = bytes.subarray(0, end - at)
          file.write(own, at)
          at += own.length
        }
      })
      if (head.status !== 206) return judgeStatus(head, url, name)
      if (at < end) {
        return { type: 'again', failure: new NetworkError(`"${name}" ended after ${at} of ${source.sizeBytes} bytes`) }
      }
      return { type: 'done' }
    })
    file.complete(number)
  }
  // The first range alone: its response shows whether URL and object are as expected.
  const [first, ...others] = file.missing
  if (first === undefined) return
  await fetchRange(first)
  await forEachConcurrently(others, STREAMS, fetchRange)
}
