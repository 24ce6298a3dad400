import { fstatSync, readSync } from 'node:fs'
import { ShortRead } from '../errors.ts'

/** Bytes at any offset of a file or buffer. */
export interface ByteSource {
  readonly size: number
  /** Up to `length` bytes, fewer at the end. Valid until the next read. */
  slice(offset: number, length: number): Buffer
}

const WINDOW_BYTES = 4096
/** Shared by all files, because reading is synchronous. */
const sharedWindow = Buffer.allocUnsafeSlow(WINDOW_BYTES)

/** Reads through a window of a few kilobytes: most headers need one system call. */
export function openByteSource(handle: number): ByteSource {
  let start = 0
  let length = readSync(handle, sharedWindow, 0, WINDOW_BYTES, 0)
  let size = length < WINDOW_BYTES ? length : -1
  return {
    get size() {
      if (size < 0) size = fstatSync(handle).size
      return size
    },
    slice(offset, count) {
      if (offset >= start && offset + count <= start + length) {
        return sharedWindow.subarray(offset - start, offset - start + count)
      }
      // A hostile 64-bit offset is beyond every file, and larger than a system call accepts.
      if (!(offset >= 0 && offset <= 2 ** 48)) return sharedWindow.subarray(0, 0)
      start = offset
      length = readSync(handle, sharedWindow, 0, WINDOW_BYTES, offset)
      return sharedWindow.subarray(0, Math.min(count, length))
    },
  }
}

function need(source: ByteSource, offset: number, length: number): Buffer {
  const bytes = source.slice(offset, length)
  if (bytes.length < length) throw new ShortRead()
  return bytes
}

export const readU8 = (source: ByteSource, offset: number): number => need(source, offset, 1).readUInt8()
export const readU16BE = (source: ByteSource, offset: number): number => need(source, offset, 2).readUInt16BE()
export const readU16LE = (source: ByteSource, offset: number): number => need(source, offset, 2).readUInt16LE()
export const readU24LE = (source: ByteSource, offset: number): number => need(source, offset, 3).readUIntLE(0, 3)
export const readU32BE = (source: ByteSource, offset: number): number => need(source, offset, 4).readUInt32BE()
export const readU32LE = (source: ByteSource, offset: number): number => need(source, offset, 4).readUInt32LE()
export const readI32LE = (source: ByteSource, offset: number): number => need(source, offset, 4).readInt32LE()
export const readU64LE = (source: ByteSource, offset: number): number =>
  Number(need(source, offset, 8).readBigUInt64LE())
export const readU64BE = (source: ByteSource, offset: number): number =>
  Number(need(source, offset, 8).readBigUInt64BE())
/** Text in Latin-1, shorter at the end of the file. */
export const readText = (source: ByteSource, offset: number, length: number): string =>
  source.slice(offset, length).toString('latin1')
