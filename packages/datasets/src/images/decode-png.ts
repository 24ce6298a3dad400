import { crc32, inflateSync } from 'node:zlib'
import { DatasetError } from '@trainyard/contract/trainer-errors'

/** A PNG with its samples as stored: palette and transparency are not applied. https://www.w3.org/TR/png-3/ */
export interface PngImage {
  width: number
  height: number
  /** Samples of a pixel: 1 grey or palette index, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  channels: 1 | 2 | 3 | 4
  /** Bits of a sample. */
  depth: number
  /** Row by row, unscaled. */
  samples: Uint8Array | Uint16Array
  /** RGB triples, for indexed images. */
  palette?: Uint8Array | undefined
  /** Alpha of each palette entry. */
  paletteAlpha?: Uint8Array | undefined
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const CHANNELS: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}
/** First column, first row and steps of the passes of Adam7. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

export interface DecodePngOptions {
  /** A larger image is refused, because a few bytes can claim gigabytes. Default 100 million. */
  maxPixels?: number | undefined
}

/** Decodes a PNG of any kind. Throws `DatasetError` with `name` for a damaged one. */
export function decodePng(
  bytes: Uint8Array,
  name: string,
  { maxPixels = 100_000_000 }: DecodePngOptions = {},
): PngImage {
  const fail = (what: string): never => {
    throw new DatasetError(`Image "${name}" is damaged: ${what}`)
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!buffer.subarray(0, 8).equals(SIGNATURE) || buffer.length < 33) fail('it is not a PNG')
  let [palette, paletteAlpha]: (Uint8Array | undefined)[] = []
  const data: Buffer[] = []
  for (let offset = 8; offset + 12 <= buffer.length; ) {
    const length = buffer.readUInt32BE(offset)
    const type = buffer.toString('latin1', offset + 4, offset + 8)
    const end = offset + 8 + length
    if (end + 4 > buffer.length) fail(`its chunk ${JSON.stringify(type)} ends after the file`)
    if (crc32(buffer.subarray(offset + 4, end)) !== buffer.readUInt32BE(end))
      fail(`the checksum of its chunk ${JSON.stringify(type)} is wrong`)
    const body = buffer.subarray(offset + 8, end)
    if (type === 'PLTE') palette = body
    if (type === 'tRNS') paletteAlpha = body
    if (type === 'IDAT') data.push(body)
    if (type === 'IEND') break
    offset = end + 4
  }
  const [width, height] = [buffer.readUInt32BE(16), buffer.readUInt32BE(20)]
  const [depth = 0, colorType = 0] = [buffer[24], buffer[25]]
  const isInterlaced = buffer[28] === 1
  const channels = CHANNELS[colorType]
  if (width === 0 || height === 0 || channels === undefined || !DEPTHS[colorType]?.includes(depth))
    return fail(`its header has ${width} × ${height} pixels, colour type ${colorType}, ${depth} bits`)
  if (width * height > maxPixels) fail(`it has ${width} × ${height} pixels; expected at most ${maxPixels}`)

  const image: PngImage = {
    width,
    height,
    channels,
    depth,
    samples: depth === 16 ? new Uint16Array(width * height * channels) : new Uint8Array(width * height * channels),
    palette: colorType === 3 ? palette : undefined,
    paletteAlpha: colorType === 3 && palette !== undefined ? paletteAlpha : undefined,
  }
  const passes = isInterlaced ? PASSES : ([[0, 0, 1, 1]] as const)
  const sizes = passes.map(([x, y, stepX, stepY]) => {
    const columns = Math.max(0, Math.ceil((width - x) / stepX))
    const rows = columns === 0 ? 0 : Math.max(0, Math.ceil((height - y) / stepY))
    return { x, y, stepX, stepY, columns, rows, rowBytes: Math.ceil((columns * channels * depth) / 8) }
  })
  const total = sizes.reduce((sum, { rows, rowBytes }) => sum + rows * (rowBytes + 1), 0)
  const raw = inflate(Buffer.concat(data), total, fail)
  let position = 0
  for (const pass of sizes) {
    unfilter(raw, position, pass.rows, pass.rowBytes, Math.max(1, (channels * depth) >> 3), fail)
    for (let row = 0; row < pass.rows; row++) {
      position += 1
      copyRow(raw, position, image, pass, row)
      position += pass.rowBytes
    }
  }
  return image
}

function inflate(data: Buffer, size: number, fail: (what: string) => never): Buffer {
  let raw: Buffer
  try {
    raw = inflateSync(data, { maxOutputLength: Math.max(size, 1) })
  } catch (error) {
    return fail(`its pixels cannot be decompressed (${error instanceof Error ? error.message : error})`)
  }
  return raw.length < size ? fail(`its pixels end after ${raw.length} of ${size} bytes`) : raw
}

/** Reverses the filters of the rows in place. */
function unfilter(
  raw: Buffer,
  start: number,
  rows: number,
  rowBytes: number,
  step: number,
  fail: (what: string) => never,
) {
  for (let row = 0; row < rows; row++) {
    const at = start + row * (rowBytes + 1) + 1
    const filter = raw[at - 1] ?? 0
    const above = row === 0 ? -1 : at - rowBytes - 1
    if (filter > 4) fail(`row ${row} has the filter ${filter}`)
    if (filter === 0) continue
    for (let index = 0; index < rowBytes; index++) {
      const left = index < step ? 0 : (raw[at + index - step] as number)
      const up = above < 0 ? 0 : (raw[above + index] as number)
      const corner = above < 0 || index < step ? 0 : (raw[above + index - step] as number)
      const guess = filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner)
      raw[at + index] = (raw[at + index] as number) + guess
    }
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
}

function copyRow(
  raw: Buffer,
  at: number,
  { samples, channels, depth, width }: PngImage,
  { x, y, stepX, stepY, columns }: { x: number; y: number; stepX: number; stepY: number; columns: number },
  row: number,
): void {
  const mask = (1 << depth) - 1
  for (let index = 0; index < columns * channels; index++) {
    const column = Math.floor(index / channels)
    const target = ((y + row * stepY) * width + x + column * stepX) * channels + (index % channels)
    if (depth === 8) samples[target] = raw[at + index] as number
    else if (depth === 16) samples[target] = raw.readUInt16BE(at + index * 2)
    else {
      const bit = index * depth
      samples[target] = ((raw[at + (bit >> 3)] as number) >> (8 - depth - (bit & 7))) & mask
    }
  }
}

/** The pixels as RGB, on white where they are transparent. */
export function pngToRgb({ width, height, channels, depth, samples, palette, paletteAlpha }: PngImage): Uint8Array {
  const rgb = new Uint8Array(width * height * 3)
  const scale = palette ? 1 : 255 / (2 ** depth - 1)
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = pixel * channels
    const first = samples[at] as number
    let alpha = 1
    if (palette !== undefined) alpha = (paletteAlpha?.[first] ?? 255) / 255
    else if (channels === 2 || channels === 4) alpha = ((samples[at + channels - 1] as number) * scale) / 255
    for (let channel = 0; channel < 3; channel++) {
      const value =
        palette === undefined
          ? (samples[at + (channels < 3 ? 0 : channel)] as number) * scale
          : (palette[first * 3 + channel] ?? 0)
      rgb[pixel * 3 + channel] = Math.round(value * alpha + 255 * (1 - alpha))
    }
  }
  return rgb
}
