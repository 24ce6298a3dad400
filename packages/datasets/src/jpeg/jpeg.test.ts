import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeJpeg } from './decode.ts'
import { ZIGZAG } from './scan.ts'

/** 20 × 14 pixels, red grows by 12 to the right and green by 18 downwards, blue is 100: by Go's encoder, colours halved. */
const GRADIENT = Buffer.from(
  '/9j/2wCEAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRQBAwQEBQQFCQUFCRQNCw0UFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFP/AABEIAA4AFAMBIgACEQEDEQH/xAGiAAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+gEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoLEQACAQIEBAMEBwUEBAABAncAAQIDEQQFITEGEkFRB2FxEyIygQgUQpGhscEJIzNS8BVictEKFiQ04SXxFxgZGiYnKCkqNTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqCg4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2dri4+Tl5ufo6ery8/T19vf4+fr/2gAMAwEAAhEDEQA/APkzw98H/u/uP0r03w98H/u/uP0r6K8PfDO0+XlPyr03w98NLT5eU/KvHzLjSWup8fwR4gz9z3mfNFl8H/8AR1/cfpVj/hT/AP0w/Svs+y+Glp9nXlPyqf8A4VpaeqflXwkuNJXep/WVHxBn7OPvPY//2Q==',
  'base64',
)

test('decodes what another encoder writes, with colours of half the size', () => {
  const { width, height, data } = decodeJpeg(GRADIENT, 'a.jpg')
  expect([width, height]).toEqual([20, 14])
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red = 0, green = 0, blue = 0] = data.subarray((y * width + x) * 3)
      for (const [seen, wanted] of [
        [red, x * 12],
        [green, y * 18],
        [blue, 100],
      ] as const)
        expect(Math.abs(seen - wanted)).toBeLessThan(26)
    }
  }
})

test('gives an eighth of the size from the means of the blocks', () => {
  const { width, height, data } = decodeJpeg(GRADIENT, 'a.jpg', { reduce: 8 })
  expect([width, height]).toEqual([3, 2])
  // Colours are shared by both blocks here, brightness is not.
  for (const [column, red] of [42, 138].entries()) {
    const [r = 0, g = 0, b = 0] = data.subarray(column * 3)
    const brightness = 0.299 * r + 0.587 * g + 0.114 * b
    expect(Math.abs(brightness - (0.299 * red + 0.587 * 63 + 0.114 * 100))).toBeLessThan(4)
  }
})

const block = fc
  .record({
    dc: fc.integer({ min: -500, max: 500 }),
    ac: fc.array(fc.tuple(fc.integer({ min: 1, max: 63 }), fc.integer({ min: -40, max: 40 })), { maxLength: 9 }),
  })
  .map(({ dc, ac }) => {
    const zigzag = new Array<number>(64).fill(0)
    zigzag[0] = dc
    for (const [place, value] of ac) zigzag[place] = value
    return zigzag
  })

test('sequential and progressive files of the same numbers are the same picture, and the right one', () => {
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 3 }), (blocks, restart) => {
      const sequential = decodeJpeg(encodeSequential(blocks, restart), 'a.jpg').data
      expect(decodeJpeg(encodeProgressive(blocks), 'a.jpg').data).toEqual(sequential)
      for (const [number, zigzag] of blocks.entries()) {
        for (const [x, y] of [
          [0, 0],
          [3, 5],
          [7, 2],
        ] as const) {
          const seen = sequential[(y * blocks.length * 8 + number * 8 + x) * 3] ?? Number.NaN
          expect(Math.abs(seen - sampleOf(zigzag, x, y))).toBeLessThanOrEqual(0.51)
        }
      }
    }),
  )
})

test.each([
  ['something else', Buffer.from('no picture'), /it is no JPEG/],
  ['nothing but a head', Buffer.from([0xff, 0xd8, 0xff, 0xd9]), /ends before its pixels/],
  [
    'arithmetic coding',
    patched((bytes) => bytes.writeUInt8(0xc9, bytes.indexOf(Buffer.from([0xff, 0xc0])) + 1)),
    /SOF9/,
  ],
  [
    'an absurd size',
    patched((bytes) =>
      bytes.fill(0xff, bytes.indexOf(Buffer.from([0xff, 0xc0])) + 5, bytes.indexOf(Buffer.from([0xff, 0xc0])) + 9),
    ),
    /65535 × 65535 pixels/,
  ],
])('refuses %s', (_what, bytes, message) => {
  expect(() => decodeJpeg(bytes, 'a.jpg')).toThrow(message)
})

test('a file that is cut off or damaged anywhere gives a picture or a DatasetError, in no time', () => {
  fc.assert(
    fc.property(fc.nat(GRADIENT.length), fc.nat(GRADIENT.length - 1), fc.nat(255), (end, place, value) => {
      const bytes = Buffer.from(GRADIENT.subarray(0, end))
      if (place < end) bytes[place] = value
      try {
        expect(decodeJpeg(bytes, 'a.jpg', { maxPixels: 100_000 }).data.length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toMatchObject({ name: 'DatasetError' })
      }
    }),
    { numRuns: 300 },
  )
})

function patched(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(GRADIENT)
  change(bytes)
  return bytes
}

/** By the formula of the standard, with a quantization of 1. */
function sampleOf(zigzag: readonly number[], x: number, y: number): number {
  let sum = 0
  for (const [k, value] of zigzag.entries()) {
    const [u, v] = [(ZIGZAG[k] ?? 0) % 8, Math.floor((ZIGZAG[k] ?? 0) / 8)]
    const weight = (u === 0 ? Math.SQRT1_2 : 1) * (v === 0 ? Math.SQRT1_2 : 1)
    sum += weight * value * Math.cos(((2 * x + 1) * u * Math.PI) / 16) * Math.cos(((2 * y + 1) * v * Math.PI) / 16)
  }
  return Math.min(255, Math.max(0, sum / 4 + 128))
}

/** Symbols 0 to 127 are codes of 8 bits, the others of 9. */
function createBitWriter() {
  const bytes: number[] = []
  let [bits, count] = [0, 0]
  const put = (value: number, length: number) => {
    for (let bit = length - 1; bit >= 0; bit--) {
      bits = (bits << 1) | ((value >> bit) & 1)
      if (++count < 8) continue
      bytes.push(bits, ...(bits === 0xff ? [0] : []))
      ;[bits, count] = [0, 0]
    }
  }
  const flush = () => {
    if (count > 0) put((1 << (8 - count)) - 1, 8 - count)
  }
  return {
    put,
    symbol: (symbol: number) => (symbol < 128 ? put(symbol, 8) : put(128 + symbol, 9)),
    signed(value: number, length: number) {
      put(value >= 0 ? value : value + (1 << length) - 1, length)
    },
    restart(number: number) {
      flush()
      bytes.push(0xff, 0xd0 + (number % 8))
    },
    end() {
      flush()
      return Buffer.from(bytes)
    },
  }
}

const lengthOf = (value: number) => 32 - Math.clz32(Math.abs(value))

function segment(marker: number, body: readonly number[]): Buffer {
  return Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body])
}

function assemble(blocks: number, frame: number, restart: number, scans: [head: number[], data: Buffer][]): Buffer {
  const symbols = Array.from({ length: 256 }, (_, index) => index)
  const counts = [0, 0, 0, 0, 0, 0, 0, 128, 128, 0, 0, 0, 0, 0, 0, 0]
  const width = blocks * 8
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...new Array<number>(64).fill(1)]),
    segment(frame, [8, 0, 8, width >> 8, width & 255, 1, 1, 0x11, 0]),
    segment(0xc4, [0x00, ...counts, ...symbols, 0x10, ...counts, ...symbols]),
    segment(0xdd, [0, restart]),
    ...scans.flatMap(([head, data]) => [segment(0xda, [1, 1, 0, ...head]), data]),
    Buffer.from([0xff, 0xd9]),
  ])
}

function encodeSequential(blocks: readonly (readonly number[])[], restart: number): Buffer {
  const writer = createBitWriter()
  let before = 0
  for (const [number, zigzag] of blocks.entries()) {
    if (restart > 0 && number > 0 && number % restart === 0) {
      writer.restart(number / restart - 1)
      before = 0
    }
    const difference = (zigzag[0] ?? 0) - before
    before = zigzag[0] ?? 0
    writer.symbol(lengthOf(difference))
    writer.signed(difference, lengthOf(difference))
    let zeros = 0
    for (const value of zigzag.slice(1)) {
      if (value === 0) {
        zeros++
        continue
      }
      for (; zeros > 15; zeros -= 16) writer.symbol(0xf0)
      writer.symbol((zeros << 4) | lengthOf(value))
      writer.signed(value, lengthOf(value))
      zeros = 0
    }
    if (zeros > 0) writer.symbol(0)
  }
  return assemble(blocks.length, 0xc0, restart, [[[0, 63, 0], writer.end()]])
}

/** All but the lowest bit first, then that one: DC and AC each. */
function encodeProgressive(blocks: readonly (readonly number[])[]): Buffer {
  const [dc, dcBits, ac, acBits] = [createBitWriter(), createBitWriter(), createBitWriter(), createBitWriter()]
  let before = 0
  let emptyBlocks = 0
  const endOfBlocks = () => {
    if (emptyBlocks === 0) return
    const length = lengthOf(emptyBlocks) - 1
    ac.symbol(length << 4)
    ac.put(emptyBlocks - (1 << length), length)
    emptyBlocks = 0
  }
  for (const zigzag of blocks) {
    const first = (zigzag[0] ?? 0) >> 1
    dc.symbol(lengthOf(first - before))
    dc.signed(first - before, lengthOf(first - before))
    before = first
    dcBits.put((zigzag[0] ?? 0) & 1, 1)

    let zeros = 0
    for (const whole of zigzag.slice(1)) {
      const value = Math.trunc(whole / 2)
      if (value === 0) {
        zeros++
        continue
      }
      endOfBlocks()
      for (; zeros > 15; zeros -= 16) ac.symbol(0xf0)
      ac.symbol((zeros << 4) | lengthOf(value))
      ac.signed(value, lengthOf(value))
      zeros = 0
    }
    if (zeros > 0) emptyBlocks++
    refine(acBits, zigzag)
  }
  endOfBlocks()
  return assemble(blocks.length, 0xc2, 0, [
    [[0, 0, 0x01], dc.end()],
    [[0, 0, 0x10], dcBits.end()],
    [[1, 63, 0x01], ac.end()],
    [[1, 63, 0x10], acBits.end()],
  ])
}

function refine(writer: ReturnType<typeof createBitWriter>, zigzag: readonly number[]): void {
  const lastNew = zigzag.findLastIndex((value, k) => k > 0 && Math.abs(value) === 1)
  let zeros = 0
  let bits: number[] = []
  const putBits = () => {
    for (const bit of bits) writer.put(bit, 1)
    bits = []
  }
  for (let k = 1; k < 64; k++) {
    const value = zigzag[k] ?? 0
    if (value === 0) {
      zeros++
      continue
    }
    for (; zeros > 15 && k <= lastNew; zeros -= 16) {
      writer.symbol(0xf0)
      putBits()
    }
    if (Math.abs(value) > 1) {
      bits.push(Math.abs(value) & 1)
      continue
    }
    writer.symbol((zeros << 4) | 1)
    writer.put(value > 0 ? 1 : 0, 1)
    putBits()
    zeros = 0
  }
  if (zeros === 0 && bits.length === 0) return
  writer.symbol(0)
  putBits()
}
