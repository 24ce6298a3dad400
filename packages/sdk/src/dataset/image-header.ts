import { closeSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { DatasetError } from '../errors.ts'

export interface ImageSize {
  format: 'png' | 'jpeg' | 'gif' | 'bmp' | 'webp' | 'unknown'
  /** In pixels, as stored (before any EXIF rotation); 0 for a format whose header is not read. */
  width: number
  height: number
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/**
 * Reads an image's size from its header. Throws `DatasetError` naming `name` when the file is not the image it claims
 * to be, or its header is damaged. Synchronous: for thousands of small files it takes a fifth of the time.
 */
export function readImageSize(file: string, name: string): ImageSize {
  const handle = openSync(file, 'r')
  try {
    const head = Buffer.alloc(64)
    const bytesRead = readSync(handle, head, 0, head.length, 0)
    const bytes = head.subarray(0, bytesRead)
    if (bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return readPng(bytes, name)
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpeg(handle, name)
    const text = bytes.toString('latin1')
    if (/^GIF8[79]a/.test(text)) return { format: 'gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
    if (text.startsWith('BM') && bytesRead >= 26) {
      return { format: 'bmp', width: bytes.readInt32LE(18), height: Math.abs(bytes.readInt32LE(22)) }
    }
    if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return { format: 'webp', width: 0, height: 0 }
    if (/\.(png|jpe?g|gif|bmp|webp)$/i.test(name)) {
      const seen = bytesRead === 0 ? 'it is empty' : `it starts with the bytes ${bytes.subarray(0, 8).toString('hex')}`
      throw new DatasetError(`Image "${name}" is damaged: ${seen}, which is no PNG, JPEG, GIF, BMP or WebP`)
    }
    return { format: 'unknown', width: 0, height: 0 }
  } finally {
    closeSync(handle)
  }
}

/** https://www.w3.org/TR/png-3/#11IHDR */
function readPng(bytes: Buffer, name: string): ImageSize {
  if (bytes.length < 33)
    throw new DatasetError(`Image "${name}" is damaged: a PNG that ends after ${bytes.length} bytes`)
  const chunk = bytes.toString('latin1', 12, 16)
  if (bytes.readUInt32BE(8) !== 13 || chunk !== 'IHDR') {
    throw new DatasetError(
      `Image "${name}" is damaged: a PNG whose first chunk is ${JSON.stringify(chunk)}, not "IHDR"`,
    )
  }
  if (crc32(bytes.subarray(12, 29)) !== bytes.readUInt32BE(29)) {
    throw new DatasetError(`Image "${name}" is damaged: the checksum of its PNG header is wrong`)
  }
  const width = bytes.readUInt32BE(16)
  const height = bytes.readUInt32BE(20)
  if (width === 0 || height === 0)
    throw new DatasetError(`Image "${name}" is damaged: its size is ${width} × ${height}`)
  return { format: 'png', width, height }
}

/** Walks the markers to the frame header; https://www.w3.org/Graphics/JPEG/itu-t81.pdf B.2.2. */
function readJpeg(handle: number, name: string): ImageSize {
  const marker = Buffer.alloc(9)
  let offset = 2
  for (;;) {
    const bytesRead = readSync(handle, marker, 0, marker.length, offset)
    if (bytesRead < 4 || marker[0] !== 0xff) {
      throw new DatasetError(`Image "${name}" is damaged: a JPEG without a frame header (at byte ${offset})`)
    }
    const code = marker[1] ?? 0
    if (code === 0xff) {
      offset += 1 // fill byte
      continue
    }
    if (code === 0x01 || (code >= 0xd0 && code <= 0xd8)) {
      offset += 2 // markers without a length
      continue
    }
    const isFrame = code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc
    if (isFrame && bytesRead === 9) {
      const height = marker.readUInt16BE(5)
      const width = marker.readUInt16BE(7)
      if (width === 0) throw new DatasetError(`Image "${name}" is damaged: its size is ${width} × ${height}`)
      return { format: 'jpeg', width, height }
    }
    offset += 2 + marker.readUInt16BE(2)
  }
}
