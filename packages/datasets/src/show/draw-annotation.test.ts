import sharp from 'sharp'
import { expect, test } from 'vitest'
import { encodeMask } from '../geometry/rle.ts'
import type { Annotation } from '../record/record.ts'
import { classesNamed } from '../testing/dataset-formats.ts'
import { colourOf } from './colours.ts'
import { drawAnnotation, labelOf } from './draw-annotation.ts'
import { render } from './render.ts'

const [info] = classesNamed('a')
const colour = info === undefined ? [] : [...colourOf(info)]

/** How strongly each pixel of a 20 × 20 drawing is painted in the colour of the class. */
async function painted(annotation: Annotation, skeleton?: [number, number][]) {
  const svg = drawAnnotation(annotation, { id: 0, name: 'a', skeleton }, 1)
  const { data } = await render(sharp, { width: 20, height: 20 }, [svg])
  return (x: number, y: number) => {
    const pixel = [...data.subarray((y * 20 + x) * 3, (y * 20 + x) * 3 + 3)]
    return pixel.every((value) => value >= 250)
      ? 'empty'
      : pixel.every((value, at) => Math.abs(value - (colour[at] ?? 0)) < 70)
        ? 'full'
        : 'tinted'
  }
}

test('draws a box as lines and leaves its inside free', async () => {
  const at = await painted({ kind: 'box', classId: 0, bbox: [4, 6, 10, 8] })
  // Lines lie on the border between two pixels.
  expect([at(4, 10), at(13, 10), at(9, 6), at(9, 13)]).toEqual(['full', 'full', 'full', 'full'])
  expect([at(9, 10), at(1, 10), at(17, 10)]).toEqual(['empty', 'empty', 'empty'])
})

test('fills polygons, and leaves the hole of a bridged ring free', async () => {
  const ring = [2, 2, 18, 2, 18, 18, 2, 18, 2, 2, 7, 7, 7, 13, 13, 13, 13, 7, 7, 7]
  const at = await painted({ kind: 'polygon', classId: 0, polygons: [ring] })
  expect([at(4, 16), at(16, 10), at(10, 10), at(0, 0)]).toEqual(['tinted', 'tinted', 'empty', 'empty'])
})

test('fills masks pixel by pixel', async () => {
  const data = new Uint8Array(400)
  for (let y = 5; y < 12; y++) data.fill(1, y * 20 + 5, y * 20 + 12)
  const at = await painted({ kind: 'mask', classId: 0, rle: encodeMask({ width: 20, height: 20, data }) })
  expect([at(8, 8), at(5, 5), at(4, 8), at(12, 8)]).toEqual(['tinted', 'full', 'empty', 'empty'])
})

test('draws rotated boxes along their corners, not upright', async () => {
  const at = await painted({ kind: 'obb', classId: 0, obb: [10, 2, 18, 10, 10, 18, 2, 10] })
  expect([at(14, 6), at(6, 14), at(10, 10), at(2, 2)]).toEqual(['full', 'full', 'empty', 'empty'])
})

test('draws labelled keypoints and the skeleton between them, and no keypoint that is not labelled', async () => {
  const at = await painted({ kind: 'keypoints', classId: 0, keypoints: [4, 4, 2, 16, 4, 2, 0, 0, 0] }, [
    [0, 1],
    [1, 2],
  ])
  expect([at(4, 4), at(16, 4), at(10, 4)]).toEqual(['full', 'full', 'full'])
  expect([at(10, 12), at(0, 0)]).toEqual(['empty', 'empty'])
})

test('draws numbers that are not finite or very large without an error', async () => {
  const at = await painted({ kind: 'polygon', classId: 0, polygons: [[Number.NaN, 1, 2, 3, 4, 5]], bbox: [1, 1, 1, 1] })
  expect(at(2, 2)).toBe('empty')
  await painted({ kind: 'box', classId: 0, bbox: [-1e12, -1e12, 1e13, 1e13] })
})

test('adds the number of a class when the font may lack the script of its name', () => {
  expect([
    labelOf({ id: 3, name: '고양이' }),
    labelOf({ id: 3, name: '별 star' }),
    labelOf({ id: 3, name: 'Straße №1' }),
    labelOf({ id: 3, name: '' }),
    labelOf({ id: 3, name: 'a class with a name of 33 letters' }),
  ]).toEqual(['#3 고양이', '#3 별 star', 'Straße №1', '#3', 'a class with a name of …'])
})
