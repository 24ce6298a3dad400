import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { decodePng, pngToRgb } from '../images/decode-png.ts'
import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { classesNamed, imageRecord, plainPng, temporaryFolder } from '../testing/dataset-formats.ts'
import { showDataset } from './show-dataset.ts'

function reader(records: readonly ImageRecord[]): DatasetReader {
  return {
    format: 'coco',
    taskType: 'detection',
    classes: classesNamed('a'),
    async *images() {
      yield* records
    },
  }
}

test('reports which images cannot be decoded and why, and draws the others', async () => {
  using folder = temporaryFolder({
    'a.png': plainPng(40, 30),
    'b.png': 'damaged',
    'c.bmp': plainBmp(4, 3),
  })
  const records = ['a.png', 'b.png', 'c.bmp', 'd.png'].map((name) =>
    imageRecord(name, { file: join(folder.dir, name) }),
  )
  const target = join(folder.dir, 'sheet.png')
  const shown = await showDataset(reader([...records, imageRecord('e.png')]), { target, tile: 64, count: 9 })
  expect(shown.images).toEqual(['a.png', 'b.png', 'c.bmp', 'd.png', 'e.png'])
  expect(shown.withoutPixels).toEqual([
    { path: 'b.png', reason: 'file is damaged' },
    { path: 'c.bmp', reason: 'BMP: pixels not shown' },
    { path: 'd.png', reason: 'file is missing' },
    { path: 'e.png', reason: 'file is missing' },
  ])
  const sheet = decodePng(readFileSync(target), 'sheet.png')
  expect([sheet.width, sheet.height]).toEqual([shown.width, shown.height])
})

test('shows labelled images first, and only those of one split or class on request', async () => {
  using folder = temporaryFolder()
  const target = join(folder.dir, 'sheet.png')
  const records = Array.from({ length: 50 }, (_, index) =>
    imageRecord(`${index}.png`, {
      split: index % 2 === 0 ? 'train' : 'val',
      annotations: index % 10 === 1 ? [{ kind: 'box', classId: 0, bbox: [1, 1, 9, 9] }] : [],
    }),
  )
  const labelled = ['1.png', '11.png', '21.png', '31.png', '41.png']
  expect((await showDataset(reader(records), { target, tile: 64, count: 5 })).images).toEqual(labelled)
  expect((await showDataset(reader(records), { target, tile: 64, className: 'a' })).images).toEqual(labelled)
  const train = await showDataset(reader(records), { target, tile: 64, split: 'train' })
  expect(train.images.every((path) => Number.parseInt(path, 10) % 2 === 0)).toBe(true)
  await expect(showDataset(reader(records), { target, split: 'test' })).rejects.toThrow(/No image to show/)
  await expect(showDataset(reader(records), { target, tile: 1e9 })).rejects.toThrow(/from 64 to 1024/)
})

test('draws JPEG, WebP, GIF, TIFF and AVIF images', async () => {
  const picture = sharp({ create: { width: 80, height: 40, channels: 3, background: '#c83214' } })
  const formats = ['jpeg', 'webp', 'gif', 'tiff', 'avif'] as const
  const files = await Promise.all(
    formats.map(async (format) => [`a.${format}`, await picture.clone().toFormat(format).toBuffer()] as const),
  )
  using folder = temporaryFolder(Object.fromEntries(files))
  const target = join(folder.dir, 'sheet.png')
  const records = files.map(([name]) => imageRecord(name, { file: join(folder.dir, name), width: 0, height: 0 }))
  const shown = await showDataset(reader(records), { target, tile: 64, columns: 5 })
  expect(shown.withoutPixels).toEqual([])
  const sheet = decodePng(readFileSync(target), 'sheet.png')
  const rgb = pngToRgb(sheet)
  for (const index of formats.keys()) {
    // The centre of the tile: the sheet has margins of 10 and a head of 44.
    const at = ((44 + 32) * sheet.width + 10 + index * 74 + 32) * 3
    const [red = 0, green = 0, blue = 0] = rgb.subarray(at, at + 3)
    expect(Math.max(Math.abs(red - 200), Math.abs(green - 50), Math.abs(blue - 20))).toBeLessThan(8)
  }
})

/** A BMP of one colour: 24 bits, bottom row first. */
function plainBmp(width: number, height: number): Buffer {
  const rowBytes = Math.ceil((width * 3) / 4) * 4
  const bytes = Buffer.alloc(54 + rowBytes * height, 120)
  bytes.fill(0, 0, 54)
  bytes.write('BM')
  bytes.writeUInt32LE(54, 10)
  bytes.writeUInt32LE(40, 14)
  bytes.writeInt32LE(width, 18)
  bytes.writeInt32LE(height, 22)
  bytes.writeUInt16LE(1, 26)
  bytes.writeUInt16LE(24, 28)
  return bytes
}
