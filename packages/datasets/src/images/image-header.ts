import { closeSync, openSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { ShortRead } from '../errors.ts'
import {
  type ByteSource,
  openByteSource,
  readI32LE,
  readText,
  readU8,
  readU16BE,
  readU16LE,
  readU24LE,
  readU32BE,
  readU32LE,
} from './byte-source.ts'
import { findOrientation, type Orientation, orientationOf, readTiffDirectory } from './exif.ts'
import { readHeif } from './heif.ts'
import { readJxl } from './jxl.ts'

/** The format of an image, by its first bytes. */
export type ImageFormat = 'png' | 'jpeg' | 'gif' | 'bmp' | 'webp' | 'tiff' | 'heic' | 'avif' | 'jxl' | 'unknown'

/** The size in the header of an image. */
export interface ImageSize {
  format: ImageFormat
  /** In pixels, as shown (after EXIF rotation). 0 for a format whose header is not read. */
  width: number
  height: number
  /** EXIF orientation from 2 to 8, where the image is not stored as it is shown. From 5 on the stored sides are swapped. */
  orientation?: Orientation | undefined
}

/** More facts in the header: loaders that only support plain 8-bit RGB fail on anything else. */
export interface ImageDetails extends ImageSize {
  /** Bits of one channel. 0 when the header does not have them. */
  bitDepth: number
  hasAlpha: boolean
  isPalette: boolean
  isGrey: boolean
  isCmyk: boolean
  /** More than one frame or page. */
  isAnimated: boolean
  /** Its end is missing: loaders fail on it, or fill the rest with grey. */
  isTruncated: boolean
  /** A JPEG with other bytes after its end, as some phones write them. Some loaders rewrite such a file in place. */
  hasBytesAfterEnd: boolean
}

/**
 * Reads the size of an image from its header. Throws `DatasetError` with `name` when the content does not match the suffix
 * or the header is damaged. Synchronous, because that takes a fifth of the time for thousands of small files.
 */
export function readImageSize(file: string, name: string): ImageSize {
  return toSize(readFrom(file, (source) => parse(source, name, false)))
}

/** {@link readImageSize}, and whether the file is cut off: its end is missing. */
export function readWholeImageSize(file: string, name: string): ImageSize & { isTruncated: boolean } {
  return readFrom(file, (source) => {
    const size = toSize(parse(source, name, false))
    return { ...size, isTruncated: isCutOff(source, size.format) }
  })
}

/** {@link readImageSize} with everything that loaders can fail on. */
export function inspectImage(file: string, name: string): ImageDetails {
  return readFrom(file, (source) => toDetails(source, parse(source, name, true)))
}

/** {@link inspectImage} of bytes in memory, whatever the suffix of their name. Of an unknown format, the size is 0. */
export function inspectImageBytes(bytes: Uint8Array, name: string): ImageDetails {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const slice = (offset: number, length: number) => all.subarray(offset, offset + length)
  const source = { size: bytes.length, slice }
  return toDetails(source, parse(source, name, true, { checksSuffix: false }))
}

function readFrom<T>(file: string, work: (source: ByteSource) => T): T {
  const handle = openSync(file, 'r')
  try {
    return work(openByteSource(handle))
  } finally {
    closeSync(handle)
  }
}

/** The header as stored. Absent fields are false or 0. */
type Found = ImageSize & Partial<ImageDetails>

function toSize({ format, width, height, orientation }: Found): ImageSize {
  if (orientation === undefined || orientation === 1) return { format, width, height }
  return orientation >= 5
    ? { format, width: height, height: width, orientation }
    : { format, width, height, orientation }
}

function toDetails(source: ByteSource, found: Found): ImageDetails {
  const isTruncated = isCutOff(source, found.format)
  return {
    ...toSize(found),
    bitDepth: found.bitDepth ?? 0,
    hasAlpha: found.hasAlpha ?? false,
    isPalette: found.isPalette ?? false,
    isGrey: found.isGrey ?? false,
    isCmyk: found.isCmyk ?? false,
    isAnimated: found.isAnimated ?? false,
    isTruncated,
    hasBytesAfterEnd: !isTruncated && found.format === 'jpeg' && !endsWith(source, JPEG_END),
  }
}

/** Thrown by the readers below without the name of the image, which `parse` adds. */
class Damage extends Error {}

function parse(source: ByteSource, name: string, isThorough: boolean, { checksSuffix = true } = {}): Found {
  let kind = 'file'
  try {
    const head = readText(source, 0, 16)
    const format = detect(head)
    kind = format.toUpperCase().replace('WEBP', 'WebP')
    const read = READERS[format]
    if (read !== undefined) {
      const found = read(source, isThorough)
      if (found.width > 0 && found.height > 0) return found
      throw new Damage(`its size is ${found.width} × ${found.height}`)
    }
    if (checksSuffix && format === 'unknown' && /\.(png|jpe?g|gif|bmp|webp|tiff?)$/i.test(name)) {
      const bytes = Buffer.from(head.slice(0, 8), 'latin1').toString('hex')
      const seen = head === '' ? 'it is empty' : `it starts with the bytes ${bytes}`
      throw new Damage(`${seen}; expected a PNG, JPEG, GIF, BMP, WebP or TIFF`)
    }
    return { format, width: 0, height: 0 }
  } catch (error) {
    if (error instanceof Damage) throw new DatasetError(`Image "${name}" is damaged: ${error.message}`)
    if (error instanceof ShortRead) {
      throw new DatasetError(`Image "${name}" is damaged: a ${kind} that ends after ${source.size} bytes`)
    }
    throw error
  }
}

function detect(head: string): ImageFormat {
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (head.startsWith('\xff\xd8')) return 'jpeg'
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'gif'
  if (head.startsWith('BM')) return 'bmp'
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'webp'
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return 'tiff'
  if (head.startsWith('\xff\x0a') || head.startsWith('\0\0\0\x0cJXL \r\n\x87\n')) return 'jxl'
  // Films begin in the same way, with other brands.
  if (head.slice(4, 8) === 'ftyp' && /^avi[fs]/.test(head.slice(8))) return 'avif'
  if (head.slice(4, 8) === 'ftyp' && /^(?:hei[cxms]|hev[cxms]|mif[12]|msf1)/.test(head.slice(8))) return 'heic'
  return 'unknown'
}

const READERS: Partial<Record<ImageFormat, (source: ByteSource, isThorough: boolean) => Found>> = {
  png: readPng,
  jpeg: readJpeg,
  gif: readGif,
  bmp: readBmp,
  webp: readWebp,
  tiff: readTiff,
  heic: (source) => ({ format: 'heic', ...readHeif(source, isDamaged) }),
  avif: (source) => ({ format: 'avif', ...readHeif(source, isDamaged) }),
  jxl: (source) => ({ format: 'jxl', ...readJxl(source, isDamaged) }),
}

function isDamaged(what: string): never {
  throw new Damage(what)
}

/** https://www.w3.org/TR/png-3/#11IHDR */
function readPng(source: ByteSource, isThorough: boolean): Found {
  const chunk = readText(source, 12, 4)
  const checksum = readU32BE(source, 29)
  if (readU32BE(source, 8) !== 13 || chunk !== 'IHDR') {
    throw new Damage(`a PNG whose first chunk is ${JSON.stringify(chunk)}, not "IHDR"`)
  }
  if (crc32(source.slice(12, 17)) !== checksum) throw new Damage('the checksum of its PNG header is wrong')
  const colorType = readU8(source, 25)
  const found: Found = {
    format: 'png',
    width: readU32BE(source, 16),
    height: readU32BE(source, 20),
    bitDepth: readU8(source, 24),
    hasAlpha: colorType === 4 || colorType === 6,
    isPalette: colorType === 3,
    isGrey: colorType === 0 || colorType === 4,
  }
  let offset = 33
  for (;;) {
    const header = source.slice(offset, 8)
    if (header.length < 8) return found
    const length = header.readUInt32BE()
    const type = header.toString('latin1', 4)
    if (!/^[A-Za-z]{4}$/.test(type)) return found
    if (type === 'eXIf') found.orientation ??= findOrientation(source, offset + 8) ?? 1
    if (type === 'acTL') found.isAnimated = true
    if (type === 'tRNS') found.hasAlpha = true
    if (type === 'IEND' || (type === 'IDAT' && !isThorough)) return found
    offset += 12 + length
  }
}

/** Walks the markers to the frame header; https://www.w3.org/Graphics/JPEG/itu-t81.pdf B.2.2. */
function readJpeg(source: ByteSource): Found {
  let orientation: Orientation | undefined
  let offset = 2
  for (;;) {
    const marker = source.slice(offset, 4)
    if (marker.length < 4 || marker[0] !== 0xff) throw new Damage(`a JPEG without a frame header (at byte ${offset})`)
    const code = marker[1] ?? 0
    if (code === 0xff) {
      offset += 1 // fill byte
      continue
    }
    if (code === 0x01 || (code >= 0xd0 && code <= 0xd8)) {
      offset += 2 // markers without a length
      continue
    }
    const length = marker.readUInt16BE(2)
    // The scan or the end comes before any size.
    if (code === 0xda || code === 0xd9) throw new Damage(`a JPEG without a frame header (at byte ${offset})`)
    if (code === 0xe1 && orientation === undefined && readText(source, offset + 4, 6) === 'Exif\0\0') {
      orientation = findOrientation(source, offset + 10)
    }
    if (code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc) {
      const channels = readU8(source, offset + 9)
      return {
        format: 'jpeg',
        height: readU16BE(source, offset + 5),
        width: readU16BE(source, offset + 7),
        bitDepth: readU8(source, offset + 4),
        isGrey: channels === 1,
        isCmyk: channels === 4,
        orientation,
      }
    }
    offset += 2 + length
  }
}

/** https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function readGif(source: ByteSource, isThorough: boolean): Found {
  const found: Found = {
    format: 'gif',
    width: readU16LE(source, 6),
    height: readU16LE(source, 8),
    bitDepth: 8,
    isPalette: true,
  }
  if (!isThorough) return found
  const { isAnimated, hasAlpha } = countGifFrames(source)
  return { ...found, isAnimated, hasAlpha }
}

function countGifFrames(source: ByteSource): { isAnimated: boolean; hasAlpha: boolean; isCutOff: boolean } {
  let frames = 0
  let hasAlpha = false
  const skipTable = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))
  const skipBlocks = (start: number) => {
    let offset = start
    for (;;) {
      const length = readU8(source, offset)
      offset += 1 + length
      if (length === 0) return offset
    }
  }
  try {
    let offset = 13 + skipTable(readU8(source, 10))
    for (;;) {
      // Loaders do not miss the last byte, which marks the end.
      const block = offset === source.size ? 0x3b : readU8(source, offset)
      if (block === 0x21) {
        if (readU8(source, offset + 1) === 0xf9 && (readU8(source, offset + 3) & 1) !== 0) hasAlpha = true
        offset = skipBlocks(offset + 2)
      } else if (block === 0x2c) {
        frames++
        offset = skipBlocks(offset + 10 + skipTable(readU8(source, offset + 9)) + 1)
      } else return { isAnimated: frames > 1, hasAlpha, isCutOff: frames === 0 }
    }
  } catch (error) {
    if (error instanceof ShortRead) return { isAnimated: frames > 1, hasAlpha, isCutOff: true }
    throw error
  }
}

/** https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapinfoheader; the first header of OS/2 has 12 bytes. */
function readBmp(source: ByteSource): Found {
  const headerSize = readU32LE(source, 14)
  const isCore = headerSize === 12
  if (!isCore && (headerSize < 16 || headerSize > 1024)) throw new Damage(`a BMP with a header of ${headerSize} bytes`)
  const bitsPerPixel = readU16LE(source, isCore ? 24 : 28)
  return {
    format: 'bmp',
    width: isCore ? readU16LE(source, 18) : readI32LE(source, 18),
    // Negative when the top row comes first.
    height: isCore ? readU16LE(source, 20) : Math.abs(readI32LE(source, 22)),
    bitDepth: Math.min(bitsPerPixel, 8),
    isPalette: bitsPerPixel <= 8,
    hasAlpha: bitsPerPixel === 32,
  }
}

/** https://developers.google.com/speed/webp/docs/riff_container */
function readWebp(source: ByteSource): Found {
  const chunk = readText(source, 12, 4)
  if (chunk === 'VP8 ') {
    if (readU24LE(source, 23) !== 0x2a019d) throw new Damage('a WebP whose first frame is not a key frame')
    const width = readU16LE(source, 26) & 0x3fff
    return { format: 'webp', width, height: readU16LE(source, 28) & 0x3fff, bitDepth: 8 }
  }
  if (chunk === 'VP8L') {
    if (readU8(source, 20) !== 0x2f) throw new Damage('a lossless WebP without its signature')
    const bits = readU32LE(source, 21)
    const height = ((bits >>> 14) & 0x3fff) + 1
    return { format: 'webp', width: (bits & 0x3fff) + 1, height, bitDepth: 8, hasAlpha: (bits & 0x10000000) !== 0 }
  }
  if (chunk !== 'VP8X') throw new Damage(`a WebP whose first chunk is ${JSON.stringify(chunk)}`)
  const flags = readU8(source, 20)
  const found: Found = {
    format: 'webp',
    width: readU24LE(source, 24) + 1,
    height: readU24LE(source, 27) + 1,
    bitDepth: 8,
    hasAlpha: (flags & 0x10) !== 0,
    isAnimated: (flags & 0x02) !== 0,
  }
  if ((flags & 0x08) === 0) return found
  let offset = 12
  for (;;) {
    const header = source.slice(offset, 8)
    if (header.length < 8) return found
    const type = header.toString('latin1', 0, 4)
    const length = header.readUInt32LE(4)
    if (!/^[A-Z0-9 ]{4}$/.test(type)) return found
    if (type === 'EXIF') return { ...found, orientation: findOrientation(source, offset + 8) ?? 1 }
    offset += 8 + length + (length % 2)
  }
}

/** https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf section 8, and BigTIFF. */
function readTiff(source: ByteSource): Found {
  const directory = readTiffDirectory(source, 0)
  const tag = (number: number) => directory?.tags.get(number)
  const photometric = tag(262)
  return {
    format: 'tiff',
    width: tag(256) ?? 0,
    height: tag(257) ?? 0,
    bitDepth: tag(258) ?? 1,
    hasAlpha: tag(338) === 1 || tag(338) === 2,
    isPalette: photometric === 3,
    isGrey: photometric === 0 || photometric === 1,
    isCmyk: photometric === 5,
    isAnimated: directory?.hasNext ?? false,
    orientation: (directory && orientationOf(directory)) ?? 1,
  }
}

const JPEG_END = Buffer.from('ffd9', 'hex')
const GIF_END = Buffer.from(';')
/** Bytes and chunks that are read to find an end. It must not keep a server from answering. */
const MAX_WALKED_BYTES = 4 * 1024 ** 2
const MAX_SEARCHED_BYTES = 64 * 1024 ** 2
const MAX_CHUNKS = 100_000
/** The last chunk of a PNG, with its checksum. */
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex')

function endsWith(source: ByteSource, end: Buffer): boolean {
  return source.slice(source.size - end.length, end.length).equals(end)
}

/** Whether the end of an image is missing. False for formats in which only decoding would tell. */
function isCutOff(source: ByteSource, format: ImageFormat): boolean {
  switch (format) {
    case 'png':
      return !endsWith(source, PNG_END) && !hasPngEnd(source)
    case 'jpeg':
      return !endsWith(source, JPEG_END) && !hasJpegEnd(source)
    case 'gif':
      return !endsWith(source, GIF_END) && source.size <= MAX_WALKED_BYTES && countGifFrames(source).isCutOff
    case 'webp':
      return 8 + readU32LE(source, 4) > source.size
    default:
      return false
  }
}

function hasPngEnd(source: ByteSource): boolean {
  let offset = 8
  for (let count = 0; count < MAX_CHUNKS; count++) {
    const header = source.slice(offset, 8)
    const type = header.toString('latin1', 4)
    if (header.length < 8 || !/^[A-Za-z]{4}$/.test(type)) return false
    if (type === 'IEND') return true
    offset += 12 + header.readUInt32BE()
  }
  return false
}

/** Whether the scans end. An end marker before them is that of a thumbnail. */
function hasJpegEnd(source: ByteSource): boolean {
  let offset = 2
  for (;;) {
    const marker = source.slice(offset, 4)
    if (marker.length < 4) return false
    const code = marker[1] ?? 0
    if (code === 0xda) break
    if (code === 0xff) offset += 1
    else if (code === 0x01 || (code >= 0xd0 && code <= 0xd8)) offset += 2
    else offset += 2 + marker.readUInt16BE(2)
  }
  const step = 4000
  const limit = offset + MAX_SEARCHED_BYTES
  for (; offset < source.size; offset += step)
    if (offset > limit || source.slice(offset, step + 1).includes(JPEG_END)) return true
  return false
}
