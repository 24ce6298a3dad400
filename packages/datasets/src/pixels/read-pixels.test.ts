import { join } from 'node:path'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { MissingPackageError } from '../errors.ts'
import { plainPng, temporaryFolder } from '../testing/dataset-formats.ts'
import { createExif, insertPngChunk } from '../testing/test-images.ts'
import { loadSharp } from './load-sharp.ts'
import { readPixels } from './read-pixels.ts'
import { resizePixels } from './resize-pixels.ts'

/** 3 × 2 pixels with the grey values 0, 40, 80, … 200. */
const steps = sharp(Buffer.from([0, 40, 80, 120, 160, 200].flatMap((value) => [value, value, value])), {
  raw: { width: 3, height: 2, channels: 3 },
})
const greys = (data: Uint8Array) => [...data].filter((_, at) => at % 3 === 0).map((value) => Math.round(value / 40))

test.each([
  [1, '012345'],
  [2, '210543'],
  [3, '543210'],
  [4, '345012'],
  [5, '031425'],
  [6, '304152'],
  [7, '524130'],
  [8, '251403'],
])('rotates an image by its EXIF orientation %i', async (orientation, expected) => {
  const tiff = steps.clone().withMetadata({ orientation }).tiff({ compression: 'none' })
  const png = insertPngChunk(await steps.clone().png().toBuffer(), 'eXIf', createExif(orientation))
  using folder = temporaryFolder({ 'a.tiff': await tiff.toBuffer(), 'a.png': png })
  for (const name of ['a.tiff', 'a.png']) {
    const { width, height, data } = await readPixels(join(folder.dir, name), name)
    expect([width, height]).toEqual(orientation >= 5 ? [2, 3] : [3, 2])
    expect(greys(data).join('')).toBe(expected)
  }
})

test('gives RGB on white for grey, transparent, CMYK and 16-bit images', async () => {
  const red = sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0.5 } } })
  using folder = temporaryFolder({
    'transparent.webp': await red.clone().webp({ lossless: true }).toBuffer(),
    'transparent.png': await red.clone().png().toBuffer(),
    'grey.jpg': await red.clone().flatten().greyscale().jpeg().toBuffer(),
    'cmyk.jpg': await red.clone().flatten({ background: '#fff' }).toColourspace('cmyk').jpeg().toBuffer(),
    'deep.tiff': await red.clone().flatten({ background: '#fff' }).toColourspace('rgb16').tiff().toBuffer(),
  })
  const first = async (name: string) => {
    const { width, height, data } = await readPixels(join(folder.dir, name), name)
    expect(data.length).toBe(width * height * 3)
    return [...data.subarray(0, 3)]
  }
  const near = (seen: number[], expected: number[]) =>
    expect(Math.max(...seen.map((value, at) => Math.abs(value - (expected[at] ?? 0))))).toBeLessThan(12)
  near(await first('transparent.webp'), [255, 127, 127])
  near(await first('transparent.png'), [255, 127, 127])
  near(await first('deep.tiff'), [255, 127, 127])
  expect(new Set(await first('grey.jpg')).size).toBe(1)
  const [red8 = 0, green8 = 0] = await first('cmyk.jpg')
  expect(red8).toBeGreaterThan(green8 + 50)
})

test('names the image that cannot be decoded', async () => {
  const jpeg = await steps.clone().resize(64, 64).jpeg().toBuffer()
  using folder = temporaryFolder({
    'a.bmp': Buffer.concat([
      Buffer.from('BM'),
      Buffer.alloc(12),
      Buffer.from([40, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0]),
      Buffer.alloc(40),
    ]),
    'b.webp': (await steps.clone().webp().toBuffer()).subarray(0, 40),
    'c.png': plainPng(9, 9).subarray(0, 60),
    'd.jpg': jpeg.subarray(0, jpeg.length - 40),
  })
  const read = (name: string) => readPixels(join(folder.dir, name), name)
  await expect(read('a.bmp')).rejects.toThrow('Image "a.bmp" is a BMP; expected PNG, JPEG, WebP, GIF, TIFF or AVIF')
  await expect(read('b.webp')).rejects.toThrow('Image "b.webp" is damaged')
  await expect(read('c.png')).rejects.toThrow('Image "c.png" is damaged')
  await expect(read('e.png')).rejects.toThrow('Image "e.png" cannot be read: ENOENT')
  // Loaders accept a JPEG that is cut off.
  expect((await read('d.jpg')).width).toBe(64)
})

test('names the package to install when sharp is missing', async () => {
  const missing = () =>
    Promise.reject(Object.assign(new Error("Cannot find package 'sharp'"), { code: 'ERR_MODULE_NOT_FOUND' }))
  const error = await loadSharp('Drawing a contact sheet', missing).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(MissingPackageError)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toHaveProperty('message', 'Drawing a contact sheet needs the package sharp: npm install sharp')
  // Other failures to load the package are thrown as they are.
  await expect(loadSharp('Drawing', () => Promise.reject(new Error('libvips is broken')))).rejects.toThrow('libvips')
})

test('shrinks to the mean of the pixels and grows by the nearest one', () => {
  const pixels = { width: 2, height: 1, data: Uint8Array.from([0, 0, 0, 100, 100, 100]) }
  expect([...resizePixels(pixels, 1, 1).data]).toEqual([50, 50, 50])
  expect([...resizePixels(pixels, 4, 1).data].filter((_, index) => index % 3 === 0)).toEqual([0, 0, 100, 100])
})
