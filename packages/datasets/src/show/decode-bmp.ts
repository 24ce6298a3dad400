import { DatasetError } from '@trainyard/contract/trainer-errors'
import { MAX_PIXELS, type Pixels } from './pixels.ts'

/**
 * Decodes a BMP that is not compressed: palettes of 1, 4 and 8 bits, and 24 and 32 bits. Undefined for other kinds; throws
 * `DatasetError` naming `name` for a damaged one.
 */
export function decodeBmp(bytes: Buffer, name: string): Pixels | undefined {
  const fail = (what: string): never => {
    throw new DatasetError(`Image "${name}" is damaged: ${what}`)
  }
  if (bytes.length < 54) return fail('its header is cut off')
  const [start, header] = [bytes.readUInt32LE(10), bytes.readUInt32LE(14)]
  if (header < 40) return undefined
  const [width, signed] = [bytes.readInt32LE(18), bytes.readInt32LE(22)]
  const [bits, compression] = [bytes.readUInt16LE(28), bytes.readUInt32LE(30)]
  if (![1, 4, 8, 24, 32].includes(bits) || !(compression === 0 || (compression === 3 && bits === 32))) return undefined
  const height = Math.abs(signed)
  if (width <= 0 || height === 0 || width * height > MAX_PIXELS) return fail(`it has ${width} × ${signed} pixels`)
  const rowBytes = Math.ceil((width * bits) / 32) * 4
  if (start + rowBytes * height > bytes.length) return fail('its pixels are cut off')
  const palette = 14 + header
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    // A height below 0 says that the top row comes first.
    const row = start + (signed < 0 ? y : height - 1 - y) * rowBytes
    for (let x = 0; x < width; x++) {
      const bit = x * bits
      const index = bits > 8 ? 0 : ((bytes[row + (bit >> 3)] ?? 0) >> (8 - bits - (bit & 7))) & ((1 << bits) - 1)
      const from = bits > 8 ? row + (bit >> 3) : palette + index * 4
      // Blue comes first.
      for (let channel = 0; channel < 3; channel++) data[(y * width + x) * 3 + channel] = bytes[from + 2 - channel] ?? 0
    }
  }
  return { width, height, data }
}
