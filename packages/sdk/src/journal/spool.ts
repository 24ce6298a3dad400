import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'

/**
 * What can happen to the journal's queue. The spool is the list of these in order: reading it back gives the queue.
 *
 * Numbers are given when events are first sent and not when they happen, because what is dropped before must leave no gap.
 */
export type SpoolRecord =
  | { op: 'event'; id: number; json: string; priority: number }
  /** The next `count` events without a number got `first`, `first` + 1, … */
  | { op: 'number'; first: number; count: number }
  | { op: 'drop'; ids: number[] }
  /** The platform holds everything up to `seq`. */
  | { op: 'acknowledge'; seq: number }
  /** Start of a compacted file: the next number to give. */
  | { op: 'base'; nextSeq: number }

const HEADER_BYTES = 8
const MAX_FRAME_BYTES = 64 * 1024 * 1024

/** Append-only file of frames: length, CRC-32 and JSON. Writes are synchronous: what returned survives `kill -9`. */
export interface Spool {
  append(record: SpoolRecord): void
  /** Waits for the disk: what was appended survives a power cut. */
  sync(): void
  sizeBytes(): number
  /** Replaces the file by these records, atomically. */
  rewrite(records: Iterable<SpoolRecord>): void
  close(): void
}

/** Opens a spool and reads what is in it. A torn or damaged tail is cut off. */
export function openSpool(file: string): { spool: Spool; records: SpoolRecord[] } {
  mkdirSync(dirname(file), { recursive: true })
  let fd = openSync(file, 'a+', 0o600)
  const { records, validBytes } = readFrames(readFileSync(file))
  ftruncateSync(fd, validBytes)
  let size = validBytes
  const spool: Spool = {
    append(record) {
      const frame = encodeFrame(record)
      writeSync(fd, frame)
      size += frame.length
    },
    sync: () => fdatasyncSync(fd),
    sizeBytes: () => size,
    rewrite(rewritten) {
      const temporary = `${file}.tmp`
      const next = openSync(temporary, 'w', 0o600)
      let written = 0
      try {
        for (const record of rewritten) written += writeSync(next, encodeFrame(record))
        fdatasyncSync(next)
      } finally {
        closeSync(next)
      }
      renameSync(temporary, file)
      closeSync(fd)
      fd = openSync(file, 'a+', 0o600)
      size = written
    },
    close: () => closeSync(fd),
  }
  return { spool, records }
}

function encodeFrame(record: SpoolRecord): Buffer {
  const text = JSON.stringify(record)
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length)
  frame.write(text, HEADER_BYTES)
  frame.writeUInt32LE(length, 0)
  frame.writeUInt32LE(crc32(frame.subarray(HEADER_BYTES)), 4)
  return frame
}

function readFrames(bytes: Buffer): { records: SpoolRecord[]; validBytes: number } {
  const records: SpoolRecord[] = []
  let offset = 0
  while (offset + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset)
    const end = offset + HEADER_BYTES + length
    if (length > MAX_FRAME_BYTES || end > bytes.length) break
    const payload = bytes.subarray(offset + HEADER_BYTES, end)
    if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) break
    records.push(JSON.parse(payload.toString('utf8')) as SpoolRecord)
    offset = end
  }
  return { records, validBytes: offset }
}
