import nodeFs from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { encodeSpoolRecord, readSpoolFrames, SPOOL_HEADER_BYTES, type SpoolRecord } from '@trainyard/contract/spool'

export type { SpoolRecord } from '@trainyard/contract/spool'

/** The file system calls that the spool needs. */
export type SpoolFileSystem = Pick<
  typeof import('node:fs'),
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

/** An append-only file of frames: length, CRC-32, text. Writes are synchronous: once they return, they survive a `kill -9`. */
export interface Spool {
  /** Appends all records with one write. Throws when the disk is full; the file then ends with the record before them. */
  append(records: Iterable<SpoolRecord>): void
  /** Flushes to disk: everything appended so far survives a power cut. */
  sync(): void
  sizeBytes(): number
  /** Replaces the file with these records, atomically. */
  rewrite(records: Iterable<SpoolRecord>): void
  close(): void
}

/** Opens a spool and reads its records. Truncates a torn or damaged tail. */
export function openSpool(file: string, fs: SpoolFileSystem = nodeFs): { spool: Spool; records: SpoolRecord[] } {
  fs.mkdirSync(dirname(file), { recursive: true })
  const opened = openFrames(file, fs)
  let { fd, size } = opened
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
        closeQuietly(fs, next)
        // Frees its space, which a full disk needs.
        fs.rmSync(temporary, { force: true })
        throw error
      }
      const before = fd
      fd = next
      size = written
      closeQuietly(fs, before)
    },
    close: () => fs.closeSync(fd),
  }
  return { spool, records: opened.records }
}

function openFrames(file: string, fs: SpoolFileSystem): { fd: number; size: number; records: SpoolRecord[] } {
  const fd = fs.openSync(file, 'a+', 0o600)
  try {
    const { records, validBytes } = readSpoolFrames(fs.readFileSync(file))
    fs.ftruncateSync(fd, validBytes)
    return { fd, size: validBytes, records }
  } catch (error) {
    closeQuietly(fs, fd)
    throw error
  }
}

/** Closes a file whose content does not matter any more. A failed close closes it too. */
function closeQuietly(fs: SpoolFileSystem, fd: number): void {
  try {
    fs.closeSync(fd)
  } catch {
    // Nothing is lost with this file.
  }
}

/** Opens a spool, or warns and continues without one: a disk error must not stop a training. */
export function openSpoolIfPossible(
  file: string | undefined,
  fs: SpoolFileSystem | undefined,
  onWarning: (message: string) => void,
): { spool: Spool | undefined; records: SpoolRecord[] } {
  if (file === undefined) return { spool: undefined, records: [] }
  try {
    // The events of an earlier process depend on it: a second try helps after a fault that passes.
    try {
      return openSpool(file, fs)
    } catch {
      return openSpool(file, fs)
    }
  } catch (error) {
    onWarning(
      `The journal is kept in memory only, its spool cannot be opened, and events that an earlier process left in it are missing: ${error}`,
    )
    return { spool: undefined, records: [] }
  }
}

/** Frames are built in one reused buffer; a larger frame gets its own. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** Returns the number of bytes written. */
function writeFrames(fs: SpoolFileSystem, fd: number, records: Iterable<SpoolRecord>): number {
  let total = 0
  let used = 0
  const write = (bytes: Buffer, end: number) => {
    // A nearly full disk takes a part of the bytes first.
    for (let done = 0; done < end; ) done += fs.writeSync(fd, bytes, done, end - done)
    total += end
  }
  for (const record of records) {
    const text = encodeSpoolRecord(record)
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const maxBytes = SPOOL_HEADER_BYTES + text.length * 3
    if (used + maxBytes > scratch.length) {
      write(scratch, used)
      used = 0
    }
    if (maxBytes <= scratch.length) used = buildFrame(scratch, used, text)
    else {
      const own = Buffer.allocUnsafe(SPOOL_HEADER_BYTES + Buffer.byteLength(text))
      write(own, buildFrame(own, 0, text))
    }
  }
  write(scratch, used)
  return total
}

/** Returns the end of the frame. */
function buildFrame(buffer: Buffer, start: number, text: string): number {
  const from = start + SPOOL_HEADER_BYTES
  const length = buffer.write(text, from)
  buffer.writeUInt32LE(length, start)
  buffer.writeUInt32LE(crc32(buffer.subarray(from, from + length)), start + 4)
  return from + length
}
