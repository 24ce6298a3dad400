import nodeFs from 'node:fs'
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
  /** What was dropped so far has been reported. */
  | { op: 'reported' }
  /** The platform holds everything up to `seq`. */
  | { op: 'acknowledge'; seq: number }
  /** Start of a compacted file: the next number to give, and what was dropped and not reported. */
  | { op: 'base'; nextSeq: number; loss?: Record<string, number> }

/** As much of a file system as the spool needs. */
export type SpoolFileSystem = Pick<
  typeof nodeFs,
  | 'closeSync'
  | 'fdatasyncSync'
  | 'ftruncateSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readFileSync'
  | 'renameSync'
  | 'rmSync'
  | 'writeSync'
>

const HEADER_BYTES = 8
const MAX_FRAME_BYTES = 64 * 1024 * 1024

/** Append-only file of frames: length, CRC-32 and text. Writes are synchronous: what returned survives `kill -9`. */
export interface Spool {
  /** Throws when the disk is full; the file then ends with the record before. */
  append(record: SpoolRecord): void
  /** Waits for the disk: what was appended survives a power cut. */
  sync(): void
  sizeBytes(): number
  /** Replaces the file by these records, atomically. */
  rewrite(records: Iterable<SpoolRecord>): void
  close(): void
}

/** Opens a spool and reads what is in it. A torn or damaged tail is cut off. */
export function openSpool(file: string, fs: SpoolFileSystem = nodeFs): { spool: Spool; records: SpoolRecord[] } {
  fs.mkdirSync(dirname(file), { recursive: true })
  let fd = fs.openSync(file, 'a+', 0o600)
  const { records, validBytes } = readFrames(fs.readFileSync(file))
  fs.ftruncateSync(fd, validBytes)
  let size = validBytes
  const spool: Spool = {
    append(record) {
      try {
        size += writeFrame(fs, fd, record)
      } catch (error) {
        fs.ftruncateSync(fd, size)
        throw error
      }
    },
    sync: () => fs.fdatasyncSync(fd),
    sizeBytes: () => size,
    rewrite(rewritten) {
      const temporary = `${file}.tmp`
      fs.rmSync(temporary, { force: true })
      const next = fs.openSync(temporary, 'ax', 0o600)
      let written = 0
      try {
        for (const record of rewritten) written += writeFrame(fs, next, record)
        fs.fdatasyncSync(next)
        fs.renameSync(temporary, file)
      } catch (error) {
        fs.closeSync(next)
        // On a full disk its bytes are needed.
        fs.rmSync(temporary, { force: true })
        throw error
      }
      fs.closeSync(fd)
      fd = next
      size = written
    },
    close: () => fs.closeSync(fd),
  }
  return { spool, records }
}

/** Frames up to this size are built in one buffer that is used again and again. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

function writeFrame(fs: SpoolFileSystem, fd: number, record: SpoolRecord): number {
  const text = encode(record)
  // A UTF-16 unit is at most three bytes of UTF-8.
  const fits = HEADER_BYTES + text.length * 3 <= scratch.length
  const frame = fits ? scratch : Buffer.allocUnsafe(HEADER_BYTES + Buffer.byteLength(text))
  const length = frame.write(text, HEADER_BYTES)
  const end = HEADER_BYTES + length
  frame.writeUInt32LE(length, 0)
  frame.writeUInt32LE(crc32(frame.subarray(HEADER_BYTES, end)), 4)
  // A disk that is nearly full takes a part of it.
  for (let done = 0; done < end; ) done += fs.writeSync(fd, frame, done, end - done)
  return end
}

/** An event is nearly all of what is written: its JSON goes in as it is, and not as text inside of JSON. */
function encode(record: SpoolRecord): string {
  return record.op === 'event' ? `e${record.id} ${record.priority} ${record.json}` : JSON.stringify(record)
}

function decode(text: string): SpoolRecord {
  if (!text.startsWith('e')) return JSON.parse(text) as SpoolRecord
  const afterId = text.indexOf(' ')
  const afterPriority = text.indexOf(' ', afterId + 1)
  return {
    op: 'event',
    id: Number(text.slice(1, afterId)),
    priority: Number(text.slice(afterId + 1, afterPriority)),
    json: text.slice(afterPriority + 1),
  }
}

function readFrames(bytes: Buffer): { records: SpoolRecord[]; validBytes: number } {
  const records: SpoolRecord[] = []
  let offset = 0
  while (offset + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset)
    const end = offset + HEADER_BYTES + length
    // Zeros are what a power cut leaves where the data of a longer file was not written yet.
    if (length === 0 || length > MAX_FRAME_BYTES || end > bytes.length) break
    const payload = bytes.subarray(offset + HEADER_BYTES, end)
    if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) break
    records.push(decode(payload.toString('utf8')))
    offset = end
  }
  return { records, validBytes: offset }
}
