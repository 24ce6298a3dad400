import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeMask } from '../geometry/rle.ts'
import { decodePng } from '../images/decode-png.ts'
import type { Annotation, DatasetReader, ImageRecord } from '../record/record.ts'
import { classesNamed, imageRecord, plainPng, temporaryFolder } from '../testing/dataset-formats.ts'
import { createCanvas } from './canvas.ts'
import { colourOf } from './colours.ts'
import { drawAnnotation, labelOf } from './draw-annotation.ts'
import { canDraw, lettersOf } from './font.ts'
import { resize, turn } from './load-pixels.ts'
import { showDataset } from './show-dataset.ts'

const [info] = classesNamed('a')
const colour = info === undefined ? [] : [...colourOf(info)]

/** Which pixels of a 20 × 20 canvas are painted in the class's colour, more or less. */
function painted(annotation: Annotation, skeleton?: [number, number][]) {
  const canvas = createCanvas(20, 20, [255, 255, 255])
  drawAnnotation(
    canvas,
    annotation,
    { id: 0, name: 'a', ...(skeleton ? { skeleton } : {}) },
    { x: 0, y: 0, width: 20, scale: 1 },
  )
  return (x: number, y: number) => {
    const pixel = [...canvas.data.subarray((y * 20 + x) * 3, (y * 20 + x) * 3 + 3)]
    return pixel.every((value) => value > 250)
      ? 'empty'
      : pixel.every((value, at) => Math.abs(value - (colour[at] ?? 0)) < 70)
        ? 'full'
        : 'tinted'
  }
}

test('draws a box as lines and leaves its inside free', () => {
  const at = painted({ kind: 'box', classId: 0, bbox: [4, 6, 10, 8] })
  expect([at(4, 10), at(14, 10), at(9, 6), at(9, 14)]).toEqual(['full', 'full', 'full', 'full'])
  expect([at(9, 10), at(1, 10), at(17, 10)]).toEqual(['empty', 'empty', 'empty'])
})

test('fills polygons, and leaves the hole of a bridged ring free', () => {
  const ring = [2, 2, 18, 2, 18, 18, 2, 18, 2, 2, 7, 7, 7, 13, 13, 13, 13, 7, 7, 7]
  const at = painted({ kind: 'polygon', classId: 0, polygons: [ring] })
  expect([at(4, 16), at(16, 10), at(10, 10), at(0, 0)]).toEqual(['tinted', 'tinted', 'empty', 'empty'])
})

test('fills masks pixel by pixel', () => {
  const data = new Uint8Array(400)
  for (let y = 5; y < 12; y++) data.fill(1, y * 20 + 5, y * 20 + 12)
  const at = painted({ kind: 'mask', classId: 0, rle: encodeMask({ width: 20, height: 20, data }) })
  expect([at(8, 8), at(5, 5), at(4, 8), at(12, 8)]).toEqual(['tinted', 'full', 'empty', 'empty'])
})

test('draws turned boxes along their corners, not upright', () => {
  const at = painted({ kind: 'obb', classId: 0, obb: [10, 2, 18, 10, 10, 18, 2, 10] })
  expect([at(14, 6), at(6, 14), at(10, 10), at(2, 2)]).toEqual(['full', 'full', 'empty', 'empty'])
})

test('draws labelled keypoints and the skeleton between them, none that is not labelled', () => {
  const at = painted({ kind: 'keypoints', classId: 0, keypoints: [4, 4, 2, 16, 4, 2, 0, 0, 0] }, [
    [0, 1],
    [1, 2],
  ])
  expect([at(4, 4), at(16, 4), at(10, 4)]).toEqual(['full', 'full', 'full'])
  expect([at(10, 12), at(0, 0)]).toEqual(['empty', 'empty'])
})

test.each([
  [1, '012345'],
  [2, '210543'],
  [3, '543210'],
  [4, '345012'],
  [5, '031425'],
  [6, '304152'],
  [7, '524130'],
  [8, '251403'],
])('turns stored pixels by EXIF orientation %i', (orientation, wanted) => {
  const stored = {
    width: 3,
    height: 2,
    data: Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((value) => [value, value, value])),
  }
  const shown = turn(stored, orientation)
  expect([shown.width, shown.height]).toEqual(orientation >= 5 ? [2, 3] : [3, 2])
  expect([...shown.data].filter((_, index) => index % 3 === 0).join('')).toBe(wanted)
})

test('makes smaller by the mean and larger by the nearest pixel', () => {
  const pixels = { width: 2, height: 1, data: Uint8Array.from([0, 0, 0, 100, 100, 100]) }
  expect([...resize(pixels, 1, 1).data]).toEqual([50, 50, 50])
  expect([...resize(pixels, 4, 1).data].filter((_, index) => index % 3 === 0)).toEqual([0, 0, 100, 100])
})

test('the font has all of ASCII, leaves accents out, and knows what it cannot draw', () => {
  const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('')
  expect(new Set(lettersOf(ascii).map(String)).size).toBe(95)
  expect(lettersOf('é')).toEqual(lettersOf('e'))
  expect([canDraw('cat #1'), canDraw('고양이')]).toEqual([true, false])
  expect([
    labelOf({ id: 3, name: '고양이' }),
    labelOf({ id: 3, name: '별 star' }),
    labelOf({ id: 3, name: 'cat' }),
  ]).toEqual(['#3', '#3 star', 'cat'])
})

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

test('says which images have no pixels and why, and draws the others', async () => {
  using folder = temporaryFolder({
    'a.png': plainPng(40, 30),
    'b.png': 'damaged',
    'c.webp': 'RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x03\0\0\x02\0\0',
  })
  const records = ['a.png', 'b.png', 'c.webp', 'd.png'].map((name) =>
    imageRecord(name, { file: join(folder.dir, name) }),
  )
  const target = join(folder.dir, 'sheet.png')
  const shown = await showDataset(reader([...records, imageRecord('e.png')]), { target, tile: 64, count: 9 })
  expect(shown.images).toEqual(['a.png', 'b.png', 'c.webp', 'd.png', 'e.png'])
  expect(shown.withoutPixels).toEqual([
    { path: 'b.png', reason: 'file is damaged' },
    { path: 'c.webp', reason: 'WEBP: pixels not shown' },
    { path: 'd.png', reason: 'file is missing' },
    { path: 'e.png', reason: 'file is missing' },
  ])
  const sheet = decodePng(readFileSync(target), 'sheet.png')
  expect([sheet.width, sheet.height]).toEqual([shown.width, shown.height])
})

test('shows images with objects first, of one split or class when asked, and keeps only those in memory', async () => {
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
