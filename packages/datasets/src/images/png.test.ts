import { crc32, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { decode, encode } from 'fast-png'
import { expect, test } from 'vitest'
import { decodePng, pngToRgb } from './decode-png.ts'
import { encodePng } from './encode-png.ts'

const size = { width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) }

test('decodes the images of another encoder, with every number of channels and both depths', () => {
  const images = fc
    .record({ ...size, channels: fc.constantFrom(1, 2, 3, 4), depth: fc.constantFrom(8, 16) })
    .chain((head) => {
      const count = head.width * head.height * head.channels
      return fc
        .array(fc.nat(2 ** head.depth - 1), { minLength: count, maxLength: count })
        .map((values) => ({ ...head, values }))
    })
  fc.assert(
    fc.property(images, ({ width, height, channels, depth, values }) => {
      const data = depth === 16 ? Uint16Array.from(values) : Uint8Array.from(values)
      const bytes = encode({ width, height, channels, depth: depth as 8 | 16, data })
      const image = decodePng(bytes, 'a.png')
      expect({ ...image, samples: [...image.samples] }).toEqual({ width, height, channels, depth, samples: values })
    }),
  )
})

test('encodes images that another decoder reads', () => {
  const images = fc.record({ ...size, channels: fc.constantFrom(1 as const, 3 as const) }).chain((head) => {
    const length = head.width * head.height * head.channels
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ ...head, data }))
  })
  fc.assert(
    fc.property(images, (image) => {
      const read = decode(encodePng(image))
      expect({ width: read.width, height: read.height, channels: read.channels, data: [...read.data] }).toEqual({
        ...image,
        data: [...image.data],
      })
    }),
  )
})

/** A PNG of unfiltered rows, laid out as in the specification. */
function assemble(
  head: { width: number; height: number; depth: number; colorType: number; interlace?: number },
  rows: number[][],
  extra: [string, number[]][] = [],
) {
  const { width, height, depth, colorType, interlace = 0 } = head
  const chunk = (type: string, body: Uint8Array) => {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)])
    bytes.writeUInt32BE(body.length)
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4)
    return bytes
  }
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', Uint8Array.from([0, 0, 0, width, 0, 0, 0, height, depth, colorType, 0, 0, interlace])),
    ...extra.map(([type, body]) => chunk(type, Uint8Array.from(body))),
    chunk('IDAT', deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk('IEND', new Uint8Array(0)),
  ])
}

test('decodes bits that index a palette, on white where it is transparent', () => {
  const palette: [string, number[]][] = [
    ['PLTE', [255, 0, 0, 0, 255, 0]],
    ['tRNS', [255, 0]],
  ]
  const bytes = assemble({ width: 3, height: 2, depth: 1, colorType: 3 }, [[0b01000000], [0b10100000]], palette)
  const image = decodePng(bytes, 'a.png')
  expect([...image.samples]).toEqual([0, 1, 0, 1, 0, 1])
  expect([...pngToRgb(image)].slice(0, 6)).toEqual([255, 0, 0, 255, 255, 255])
})

test('joins the passes of an interlaced image', () => {
  const passes = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777']
  const rows: number[][] = []
  for (const pass of '1234567') {
    for (const [y, line] of passes.entries()) {
      const row = [...line].flatMap((number, x) => (number === pass ? [y * 8 + x] : []))
      if (row.length > 0) rows.push(row)
    }
  }
  const image = decodePng(assemble({ width: 8, height: 8, depth: 8, colorType: 0, interlace: 1 }, rows), 'a.png')
  expect([...image.samples]).toEqual(Array.from({ length: 64 }, (_, index) => index))
})

test.each([
  ['a header that claims gigapixels', (bytes: Buffer) => claim(bytes, 1_000_000, 1_000_000), /at most 100000000/],
  ['a checksum that is wrong', (bytes: Buffer) => bytes.fill(1, 20, 22), /checksum of its chunk "IHDR"/],
  ['an end too soon', (bytes: Buffer) => bytes.subarray(0, bytes.length - 14), /"IDAT" ends after the file/],
  ['something else', () => Buffer.from('not an image at all, but long enough for a header'), /it is not a PNG/],
])('refuses %s', (_what, damage, message) => {
  const bytes = encodePng({ width: 3, height: 3, channels: 1, data: new Uint8Array(9) })
  expect(() => decodePng(damage(bytes), 'bad.png')).toThrow(message)
})

function claim(bytes: Buffer, width: number, height: number): Buffer {
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
  return bytes
}
