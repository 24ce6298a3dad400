import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { createPng } from '../testing/test-dataset.ts'
import { createExif, createJpeg, createTiff, createWebp, insertPngChunk } from '../testing/test-images.ts'
import { inspectImage, readImageSize } from './image-header.ts'

const dir = mkdtempSync(join(tmpdir(), 'trainyard-images-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function toFile(bytes: Buffer): string {
  const file = join(dir, 'image')
  writeFileSync(file, bytes)
  return file
}
const sizeOf = (bytes: Buffer) => readImageSize(toFile(bytes), 'image')
const inspect = (bytes: Buffer) => inspectImage(toFile(bytes), 'image')

const bmp = (headerSize: number, width: number, height: number) => {
  const bytes = Buffer.alloc(14 + 40)
  bytes.write('BM')
  bytes.writeUInt32LE(headerSize, 14)
  if (headerSize === 12) {
    bytes.writeUInt16LE(width, 18)
    bytes.writeUInt16LE(height, 20)
    bytes.writeUInt16LE(24, 24)
  } else {
    bytes.writeInt32LE(width, 18)
    bytes.writeInt32LE(height, 22)
    bytes.writeUInt16LE(24, 28)
  }
  return bytes
}

describe('the size of an image', () => {
  it.each([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf])(
    'is read from a JPEG with a frame of kind %#x',
    (frame) => {
      expect(sizeOf(createJpeg({ width: 300, height: 200, frame }))).toEqual({
        format: 'jpeg',
        width: 300,
        height: 200,
      })
    },
  )

  it('is read from BMP with the top row first, and with the short header of OS/2', () => {
    expect(sizeOf(bmp(40, 30, 20))).toEqual({ format: 'bmp', width: 30, height: 20 })
    expect(sizeOf(bmp(124, 30, -20))).toEqual({ format: 'bmp', width: 30, height: 20 })
    expect(sizeOf(bmp(12, 30, 20))).toEqual({ format: 'bmp', width: 30, height: 20 })
  })

  it('is read from the three kinds of WebP', () => {
    for (const kind of ['VP8 ', 'VP8L', 'VP8X'] as const) {
      expect(sizeOf(createWebp({ kind, width: 1234, height: 567 }))).toEqual({
        format: 'webp',
        width: 1234,
        height: 567,
      })
    }
  })

  it('is read from TIFF of both byte orders, and from BigTIFF', () => {
    for (const options of [{}, { isLittle: false }, { isBig: true }, { isLittle: false, isBig: true }]) {
      expect(sizeOf(createTiff({ width: 70_000, height: 20, ...options }))).toEqual({
        format: 'tiff',
        width: 70_000,
        height: 20,
      })
    }
  })

  it('is read from GIF', () => {
    const gif = Buffer.from('GIF89a\x1e\x00\x14\x00\x00\x00\x00', 'latin1')
    expect(sizeOf(gif)).toEqual({ format: 'gif', width: 30, height: 20 })
  })

  it('is the one shown: EXIF orientations 5 to 8 swap the sides, in every format with EXIF', () => {
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const files = {
        jpeg: createJpeg({ width: 300, height: 200, orientation }),
        png: insertPngChunk(createPng(300, 200), 'eXIf', createExif(orientation)),
        webp: createWebp({ kind: 'VP8X', width: 300, height: 200, orientation }),
        tiff: createTiff({ width: 300, height: 200, orientation }),
      }
      for (const [format, bytes] of Object.entries(files)) {
        const size = orientation >= 5 ? { width: 200, height: 300 } : { width: 300, height: 200 }
        expect(sizeOf(bytes)).toEqual({ format, ...size, orientation: orientation === 1 ? undefined : orientation })
      }
    }
  })

  it('is the stored one when EXIF is damaged or invalid', () => {
    for (const exif of [Buffer.from('II'), createExif(0), createExif(9), createExif(6).subarray(0, 14)]) {
      expect(sizeOf(createJpeg({ width: 300, height: 200, exif }))).toEqual({ format: 'jpeg', width: 300, height: 200 })
    }
  })

  it('is found after more than a window of other segments', () => {
    const jpeg = createJpeg({ width: 300, height: 200, padding: 200_000, orientation: 8 })
    expect(sizeOf(jpeg)).toEqual({ format: 'jpeg', width: 200, height: 300, orientation: 8 })
  })

  it('is a size or a DatasetError for damaged and hostile bytes', () => {
    const samples = [
      createJpeg({ width: 30, height: 20, orientation: 6 }),
      insertPngChunk(createPng(30, 20), 'eXIf', createExif(6)),
      createWebp({ kind: 'VP8X', width: 30, height: 20, orientation: 6 }),
      createWebp({ kind: 'VP8L', width: 30, height: 20 }),
      createTiff({ width: 30, height: 20, orientation: 6 }),
      createTiff({ width: 30, height: 20, isBig: true, isLittle: false }),
      bmp(40, 30, 20),
      Buffer.from('GIF89a\x1e\x00\x14\x00\x00\x00\x00,\0\0\0\0\x1e\x00\x14\x00\x00\x02\x01\x00\x00;', 'latin1'),
    ]
    const damaged = fc
      .tuple(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.nat(250),
      )
      .map(([bytes, changes, length]) => {
        const copy = Buffer.from(bytes)
        for (const [at, value] of changes) if (at < copy.length) copy[at] = value
        return copy.subarray(0, length)
      })
    const hostile = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    )
    fc.assert(
      fc.property(hostile, (bytes) => {
        for (const read of [sizeOf, inspect, (b: Buffer) => readImageSize(toFile(b), 'a.png')]) {
          try {
            const { width, height } = read(bytes)
            expect(width >= 0 && height >= 0).toBe(true)
          } catch (error) {
            expect(error).toBeInstanceOf(DatasetError)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
