import { DatasetError } from '@trainyard/sdk'
import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png'

/** A picture as bytes, row by row, channels side by side. */
export interface Picture {
  width: number
  height: number
  /** 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha. */
  channels: number
  data: Uint8Array
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Reads a PNG of any colour type and bit depth. Throws a `DatasetError` that names the file. */
export function decodeImage(bytes: Uint8Array, name: string): Picture {
  if (!PNG_SIGNATURE.every((byte, index) => bytes[index] === byte)) {
    throw new DatasetError(`${name} is ${describe(bytes)}; this trainer reads PNG only`)
  }
  try {
    return toBytes(decode(bytes, { checkCrc: true }))
  } catch (cause) {
    throw new DatasetError(`${name} is a corrupt PNG: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty'
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'a JPEG'
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 12))
  if (start.startsWith('GIF8')) return 'a GIF'
  if (start.startsWith('BM')) return 'a BMP'
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return 'a WebP'
  if (start.startsWith('II*') || start.startsWith('MM\0*')) return 'a TIFF'
  return 'not an image that is known here'
}

function toBytes(png: DecodedPng): Picture {
  const { width, height } = png
  if (png.palette !== undefined) {
    const data = convertIndexedToRgb(png)
    return { width, height, channels: data.length / (width * height), data: Uint8Array.from(data) }
  }
  const { channels, depth } = png
  if (depth === 16) {
    return { width, height, channels, data: Uint8Array.from(png.data, (value) => value >> 8) }
  }
  if (depth < 8) return { width, height, channels: 1, data: unpackBits(png) }
  return { width, height, channels, data: new Uint8Array(png.data.buffer, png.data.byteOffset, png.data.byteLength) }
}

/** Grey of 1, 2 or 4 bits lies several pixels to the byte, each row starting a new one. */
function unpackBits(png: DecodedPng): Uint8Array {
  const { width, height, depth } = png
  const rowBytes = Math.ceil((width * depth) / 8)
  const highest = 2 ** depth - 1
  const out = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth
      const byte = png.data[y * rowBytes + (bit >> 3)] ?? 0
      out[y * width + x] = (((byte >> (8 - depth - (bit & 7))) & highest) * 255) / highest
    }
  }
  return out
}
