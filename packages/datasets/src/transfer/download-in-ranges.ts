import { closeSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { NetworkError } from '@trainyard/contract/trainer-errors'
import { forEachConcurrently } from '../util/for-each-concurrently.ts'
import { createFrontHash } from './front-hash.ts'
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
/** Streams of one file. More share the same line. */
const STREAMS = 4

/** The file at the store is another one than at the start. */
class ChangedError extends Error {}

/** The server sends files from their start only. */
class NoRangesError extends Error {}

/**
 * Downloads a large file over several streams to their places in one temporary file. Each range that is whole is noted, so
 * that another process goes on after a `kill -9`. Bytes are hashed in their order, by a thread that follows the front of
 * the file.
 * False, with nothing left behind, when the server knows no ranges.
 */
export async function downloadInRanges(
  context: DownloadContext,
  source: DownloadSource,
  target: string,
  name: string,
  renew?: Renew,
): Promise<boolean> {
  const temporary = `${target}.part`
  const notes = `${temporary}.json`
  mkdirSync(dirname(target), { recursive: true })
  for (let tries = 1; ; tries++) {
    const file = openRanges(source, temporary, notes, context.rangeBytes ?? RANGE_BYTES)
    let failure: NetworkError | undefined
    try {
      await fetchRanges(context, source, file, name, renew)
      failure = describeDamage(source, name, source.sizeBytes, await file.digest())
      if (failure === undefined) {
        renameSync(temporary, target)
        rmSync(notes, { force: true })
        return true
      }
    } catch (error) {
      if (error instanceof NoRangesError) {
        file.forget()
        return false
      }
      if (!(error instanceof ChangedError)) throw asDiskError(error, name)
      failure = new NetworkError(`"${name}" changed while it was downloaded`)
    } finally {
      await file.close()
    }
    file.forget()
    if (tries >= (context.limits?.maxTries ?? MAX_DAMAGED)) throw failure
  }
}

type RangesFile = ReturnType<typeof openRanges>

function openRanges({ sizeBytes, sha256 }: DownloadSource, temporary: string, notes: string, rangeBytes: number) {
  const found = readNotes(notes)
  const isThere = statSync(temporary, { throwIfNoEntry: false })?.size === sizeBytes
  const held = isThere && found?.sizeBytes === sizeBytes && found.rangeBytes === rangeBytes ? found : undefined
  if (held === undefined) rmSync(notes, { force: true })
  closeSync(openSync(temporary, held === undefined ? 'w' : 'a'))
  const file = openSync(temporary, 'r+')
  ftruncateSync(file, sizeBytes)
  const done = held?.done ?? new Set<number>()
  const count = Math.ceil(sizeBytes / rangeBytes)
  const hash = sha256 === undefined ? undefined : createFrontHash(temporary)
  let front = 0
  let etag = held?.etag
  let hasNotes = held !== undefined
  const advance = () => {
    const start = front
    while (done.has(front)) front++
    if (front > start) hash?.advance(Math.min(sizeBytes, front * rangeBytes))
  }
  advance()
  return {
    missing: Array.from({ length: count }, (_, number) => number).filter((number) => !done.has(number)),
    rangeOf: (number: number) => ({ start: number * rangeBytes, end: Math.min(sizeBytes, (number + 1) * rangeBytes) }),
    get etag() {
      return etag
    },
    /** The first answer says which file it is; later ones must be of the same. */
    confirm(seen: string | undefined, range: string | undefined) {
      etag ??= seen
      if (etag !== seen || range?.endsWith(`/${sizeBytes}`) !== true) throw new ChangedError()
    },
    write: (bytes: Buffer, position: number) => writeWhole(file, bytes, position),
    complete(number: number) {
      done.add(number)
      if (etag !== undefined) {
        if (!hasNotes) beginNotes(notes, { sizeBytes, rangeBytes, etag })
        hasNotes = true
        noteRange(notes, number)
      }
      advance()
    },
    digest: async () => hash?.digest(),
    forget: () => {
      rmSync(temporary, { force: true })
      rmSync(notes, { force: true })
    },
    async close() {
      await hash?.close()
      closeSync(file)
    },
  }
}

async function fetchRanges(
  context: DownloadContext,
  source: DownloadSource,
  file: RangesFile,
  name: string,
  renew: Renew | undefined,
): Promise<void> {
  let latest = source
  const renewOnce =
    renew &&
    (async () => {
      const fresh = await renew()
      latest = fresh ?? latest
      return fresh
    })
  const fetchRange = async (number: number) => {
    const { start, end } = file.rangeOf(number)
    let at = start
    await tryUntilDone(context, latest, renewOnce, async (current): Promise<Outcome> => {
      let isWanted = false
      const head = await context.transport.receive(
        {
          url: current.url,
          headers: {
            ...current.headers,
            range: `bytes=${at}-${end - 1}`,
            ...(file.etag === undefined ? {} : { 'if-range': file.etag }),
          },
          ...(context.signal ? { signal: context.signal } : {}),
        },
        (found) => {
          if (found.status === 200) throw file.etag === undefined ? new NoRangesError() : new ChangedError()
          isWanted = found.status === 206
          if (!isWanted) return undefined
          file.confirm(strongEtag(found), found.headers['content-range'])
          return (bytes) => {
            const own = bytes.subarray(0, end - at)
            file.write(own, at)
            at += own.length
          }
        },
      )
      if (!isWanted) return judgeStatus(head, current.url, name)
      if (at < end) {
        return { type: 'again', failure: new NetworkError(`"${name}" ended after ${at} of ${source.sizeBytes} bytes`) }
      }
      return { type: 'done' }
    })
    file.complete(number)
  }
  // The first one alone: it says whether URL and file are what they should be.
  const [first, ...others] = file.missing
  if (first === undefined) return
  await fetchRange(first)
  await forEachConcurrently(others, STREAMS, fetchRange)
}
