import sharp from 'sharp'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../testing/dataset-formats.ts'
import { inspectImage, readImageSize } from './image-header.ts'

const u16 = (value: number) => [value >> 8, value & 255]
const u32 = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255]
const box = (type: string, body: readonly number[]) => [...u32(body.length + 8), ...Buffer.from(type), ...body]

/** A HEIC with a thumbnail and a primary image that a camera turned. */
function heic({ turns = 0, brand = 'heic', crop = [] as number[] } = {}): Buffer {
  const properties = [
    ...box('ispe', [0, 0, 0, 0, ...u32(8), ...u32(6)]),
    ...box('ispe', [0, 0, 0, 0, ...u32(400), ...u32(300)]),
    ...box('irot', [turns]),
    ...box('pixi', [0, 0, 0, 0, 3, 10, 10, 10]),
    ...box(crop.length > 0 ? 'clap' : 'skip', crop.flatMap(u32)),
  ]
  const uses = [0, 0, 0, 0, ...u32(2), ...u16(1), 1, 1, ...u16(2), 4, 0x80 | 2, 3, 4, 5]
  const meta = [
    ...[0, 0, 0, 0],
    ...box('pitm', [0, 0, 0, 0, ...u16(2)]),
    ...box('iprp', [...box('ipco', properties), ...box('ipma', uses)]),
  ]
  return Buffer.from([
    ...box('ftyp', [...Buffer.from(brand), 0, 0, 0, 0]),
    ...box('free', [1, 2]),
    ...box('meta', meta),
  ])
}

/** The bits of a header of JPEG XL, the lowest first. */
function jxl(...fields: readonly (readonly [value: number, bits: number])[]): Buffer {
  const bits = fields.flatMap(([value, count]) => Array.from({ length: count }, (_, bit) => (value >> bit) & 1))
  const bytes = new Uint8Array(16)
  for (const [at, bit] of bits.entries()) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (bit << (at & 7))
  return Buffer.from([0xff, 0x0a, ...bytes])
}

function read(bytes: Uint8Array, name = 'image') {
  using folder = temporaryFolder({ image: bytes })
  return readImageSize(`${folder.dir}/image`, name)
}

test('HEIC has the size of its primary image, and its quarter turns', () => {
  expect(read(heic())).toEqual({ format: 'heic', width: 400, height: 300 })
  expect(read(heic({ turns: 1 }))).toEqual({ format: 'heic', width: 300, height: 400, orientation: 8 })
  expect(read(heic({ turns: 2 }))).toEqual({ format: 'heic', width: 400, height: 300, orientation: 3 })
  expect(read(heic({ turns: 3, brand: 'mif1' }))).toEqual({ format: 'heic', width: 300, height: 400, orientation: 6 })
  // Encoders pad odd sides, and say what to show.
  expect(read(heic({ turns: 1, crop: [399, 1, 598, 2, 0, 1, 0, 1] }))).toMatchObject({ width: 299, height: 399 })
  using folder = temporaryFolder({ image: heic() })
  expect(inspectImage(`${folder.dir}/image`, 'image').bitDepth).toBe(10)
})

test('AVIF, as libheif writes it, has its size', async () => {
  const pixels = sharp({ create: { width: 61, height: 37, channels: 3, background: '#a50' } })
  expect(read(await pixels.avif().toBuffer())).toEqual({ format: 'avif', width: 61, height: 37 })
})

test('JPEG XL has its size and orientation, with and without its container', () => {
  // 8 by 16 in the short form; 300 by 201 in the long form; 16:9 by its ratio; turned.
  expect(read(jxl([1, 1], [1, 5], [0, 3], [0, 5], [1, 1]))).toEqual({ format: 'jxl', width: 8, height: 16 })
  const long = jxl([0, 1], [0, 2], [200, 9], [0, 3], [0, 2], [299, 9], [1, 1])
  expect(read(long)).toEqual({ format: 'jxl', width: 300, height: 201 })
  expect(read(jxl([0, 1], [1, 2], [1079, 13], [5, 3], [1, 1]))).toEqual({ format: 'jxl', width: 1920, height: 1080 })
  const turned = jxl([0, 1], [0, 2], [200, 9], [0, 3], [0, 2], [299, 9], [0, 1], [1, 1], [5, 3])
  expect(read(turned)).toEqual({ format: 'jxl', width: 201, height: 300, orientation: 6 })
  const signature = [0, 0, 0, 12, ...Buffer.from('JXL \r\n\x87\n', 'latin1')]
  const container = Buffer.from([...signature, ...box('ftyp', u32(0)), ...box('jxlc', [...long])])
  expect(read(container)).toEqual({ format: 'jxl', width: 300, height: 201 })
})

test('films and cut files are no images', () => {
  expect(read(Buffer.from([...box('ftyp', [...Buffer.from('isom'), 0, 0, 0, 0])])).format).toBe('unknown')
  expect(() => read(heic().subarray(0, 60), 'a.heic')).toThrow('Image "a.heic" is damaged')
  expect(() => read(Buffer.from([0xff, 0x0a]), 'a.jxl')).toThrow('Image "a.jxl" is damaged')
  expect(() => read(heic().subarray(0, 26), 'a.heic')).toThrow('"meta"')
})
