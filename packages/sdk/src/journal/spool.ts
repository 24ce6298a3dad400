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
  /** One write for all of them. Throws when the disk is full; the file then ends with the record before them. */
  append(records: Iterable<SpoolRecord>): void
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
    append(appended) {
      try {
        size += writeFrames(fs, fd, appended)
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
      let written: number
      try {
        written = writeFrames(fs, next, rewritten)
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

/** A disk that does not take a spool, even at the start, is no reason not to train. */
export function openSpoolIfPossible(
  file: string | undefined,
  fs: SpoolFileSystem | undefined,
  onWarning: (message: string) => void,
): { spool: Spool | undefined; records: SpoolRecord[] } {
  if (file === undefined) return { spool: undefined, records: [] }
  try {
    return openSpool(file, fs)
  } catch (error) {
    onWarning(`The journal is in memory alone, its spool cannot be opened: ${error}`)
    return { spool: undefined, records: [] }
  }
}

/** Frames are built in one buffer that is used again and again; one that does not fit has its own. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** Returns how many bytes were written. */
function writeFrames(fs: SpoolFileSystem, fd: number, records: Iterable<SpoolRecord>): number {
  let total = 0
  let used = 0
  const write = (bytes: Buffer, end: number) => {
    // A disk that is nearly full takes a part of it.
    for (let done = 0; done < end; ) done += fs.writeSync(fd, bytes, done, end - done)
    total += end
  }
  for (const record of records) {
    const text = encode(record)
    // A UTF-16 unit is at most three bytes of UTF-8.
    const most = HEADER_BYTES + text.length * 3
    if (used + most > scratch.length) {
      write(scratch, used)
      used = 0
    }
    if (most <= scratch.length) used = buildFrame(scratch, used, text)
    else {
      const own = Buffer.allocUnsafe(HEADER_BYTES + Buffer.byteLength(text))
      write(own, buildFrame(own, 0, text))
    }
  }
  write(scratch, used)
  return total
}

/** Returns where the frame ends. */
function buildFrame(buffer: Buffer, start: number, text: string): number {
  const from = start + HEADER_BYTES
  const length = buffer.write(text, from)
  buffer.writeUInt32LE(length, start)
  buffer.writeUInt32LE(crc32(buffer.subarray(from, from + length)), start + 4)
  return from + length
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
