import { crc32 } from 'node:zlib'

/** EXIF data: a TIFF directory with an orientation only. */
export function createExif(orientation: number): Buffer {
  return createTiff({ orientation })
}

export interface TestTiffOptions {
  width?: number | undefined
  height?: number | undefined
  orientation?: number | undefined
  isLittle?: boolean | undefined
  isBig?: boolean | undefined
  /** Other tags with the type SHORT. */
  tags?: Readonly<Record<number, number>> | undefined
}

export function createTiff({
  width,
  height,
  orientation,
  isLittle = true,
  isBig = false,
  tags = {},
}: TestTiffOptions): Buffer {
  const entries: [tag: number, type: number, value: number][] = Object.entries(tags).map(([tag, value]) => [
    Number(tag),
    3,
    value,
  ])
  if (width !== undefined) entries.push([256, 4, width])
  if (height !== undefined) entries.push([257, 3, height])
  if (orientation !== undefined) entries.push([274, 3, orientation])
  const bytes = Buffer.alloc(16 + 8 + entries.length * 20 + 8)
  const u16 = (value: number, at: number) =>
    isLittle ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at)
  const u32 = (value: number, at: number) =>
    isLittle ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at)
  const u64 = (value: number, at: number) =>
    isLittle ? bytes.writeBigUInt64LE(BigInt(value), at) : bytes.writeBigUInt64BE(BigInt(value), at)
  bytes.write(isLittle ? 'II' : 'MM')
  u16(isBig ? 43 : 42, 2)
  if (isBig) {
    u16(8, 4)
    u64(16, 8)
    u64(entries.length, 16)
  } else {
    u32(8, 4)
    u16(entries.length, 8)
  }
  for (const [index, [tag, type, value]] of entries.entries()) {
    const at = isBig ? 24 + index * 20 : 10 + index * 12
    u16(tag, at)
    u16(type, at + 2)
    ;(isBig ? u64 : u32)(1, at + 4)
    const valueAt = at + (isBig ? 12 : 8)
    if (type === 3) u16(value, valueAt)
    else u32(value, valueAt)
  }
  return bytes
}

export interface TestJpegOptions {
  width: number
  height: number
  /** Second byte of the frame's marker: 0xc0 baseline, 0xc2 progressive … */
  frame?: number | undefined
  channels?: number | undefined
  orientation?: number | undefined
  exif?: Buffer | undefined
  /** Size of the comments before the frame. */
  padding?: number | undefined
  hasEnd?: boolean | undefined
}

/** The headers of a JPEG, an empty scan and its end: enough for reading headers. */
export function createJpeg(options: TestJpegOptions): Buffer {
  const { width, height, frame = 0xc0, channels = 3, orientation, padding = 0, hasEnd = true } = options
  const exif = options.exif ?? (orientation === undefined ? undefined : createExif(orientation))
  const parts: Buffer[] = [Buffer.from('ffd8', 'hex')]
  for (let rest = padding; rest > 0; rest -= 60_000) parts.push(segment(0xfe, Buffer.alloc(Math.min(rest, 60_000))))
  if (exif !== undefined) parts.push(segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), exif])))
  const header = Buffer.alloc(6 + 3 * channels)
  header[0] = 8
  header.writeUInt16BE(height, 1)
  header.writeUInt16BE(width, 3)
  header[5] = channels
  parts.push(segment(frame, header), segment(0xda, Buffer.alloc(6)), Buffer.alloc(2))
  if (hasEnd) parts.push(Buffer.from('ffd9', 'hex'))
  return Buffer.concat(parts)
}

function segment(code: number, payload: Buffer): Buffer {
  const head = Buffer.from([0xff, code, 0, 0])
  head.writeUInt16BE(payload.length + 2, 2)
  return Buffer.concat([head, payload])
}

/** Inserts a chunk after the header of a PNG. */
export function insertPngChunk(png: Buffer, type: string, payload: Buffer): Buffer {
  return Buffer.concat([png.subarray(0, 33), pngChunk(type, payload), png.subarray(33)])
}

export function pngChunk(type: string, payload: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), payload])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(payload.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

export interface TestWebpOptions {
  kind: 'VP8 ' | 'VP8L' | 'VP8X'
  width: number
  height: number
  orientation?: number | undefined
  /** For VP8X: 0x10 alpha, 0x02 animated. */
  flags?: number | undefined
}

export function createWebp({ kind, width, height, orientation, flags = 0 }: TestWebpOptions): Buffer {
  const payload = Buffer.alloc(10)
  if (kind === 'VP8 ') {
    payload.writeUIntLE(0x2a019d, 3, 3)
    payload.writeUInt16LE(width, 6)
    payload.writeUInt16LE(height, 8)
  } else if (kind === 'VP8L') {
    payload[0] = 0x2f
    payload.writeUInt32LE((width - 1) | ((height - 1) << 14), 1)
  } else {
    payload[0] = flags | (orientation === undefined ? 0 : 0x08)
    payload.writeUIntLE(width - 1, 4, 3)
    payload.writeUIntLE(height - 1, 7, 3)
  }
  const chunks: Buffer[] = [riffChunk(kind, payload)]
  // An odd length, to test the padding byte.
  if (orientation !== undefined)
    chunks.push(riffChunk('ICCP', Buffer.alloc(3)), riffChunk('EXIF', createExif(orientation)))
  const body = Buffer.concat([Buffer.from('WEBP'), ...chunks])
  return riffChunk('RIFF', body)
}

function riffChunk(type: string, payload: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.write(type, 'latin1')
  head.writeUInt32LE(payload.length, 4)
  return Buffer.concat([head, payload, Buffer.alloc(payload.length % 2)])
}
