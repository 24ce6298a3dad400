import { crc32, deflateSync } from 'node:zlib'

export interface PngPixels {
  width: number
  height: number
  /** 1 grey, 3 RGB. */
  channels: 1 | 3
  /** Row by row, one byte for each sample. */
  data: Uint8Array
  /** RGB triples by grey value, for an indexed image. */
  palette?: Uint8Array | undefined
}

/** Encodes 8-bit grey, indexed or RGB pixels. The same pixels give the same bytes. */
export function encodePng({ width, height, channels, data, palette }: PngPixels): Buffer {
  const rowBytes = width * channels
  const rows = Buffer.alloc((rowBytes + 1) * height)
  for (let row = 0; row < height; row++) {
    const at = row * (rowBytes + 1)
    // Differences to the row above, because drawings and masks are mostly flat.
    rows[at] = row === 0 ? 0 : 2
    for (let index = 0; index < rowBytes; index++) {
      const source = row * rowBytes + index
      const above = row === 0 ? 0 : (data[source - rowBytes] as number)
      rows[at + 1 + index] = (data[source] as number) - above
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  header[9] = palette ? 3 : channels === 1 ? 0 : 2
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Buffer.from(palette))] : []),
    chunk('IDAT', deflateSync(rows, { level: 6 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, body: Buffer): Buffer {
  const bytes = Buffer.alloc(body.length + 12)
  bytes.writeUInt32BE(body.length, 0)
  bytes.write(type, 4, 'latin1')
  body.copy(bytes, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, body.length + 8)), body.length + 8)
  return bytes
}
