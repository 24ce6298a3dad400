import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeMask, encodeMask } from '../../geometry/rle.ts'
import { encodePng } from '../../images/encode-png.ts'
import { readAll, temporaryFolder } from '../../testing/dataset-formats.ts'
import { labelMe, readShapes, shape } from '../../testing/labelme-shapes.ts'
import { readLabelme } from './read.ts'

test('reads a mask as runs over the whole image', async () => {
  const mask = encodePng({ width: 2, height: 3, channels: 1, data: new Uint8Array([1, 0, 1, 1, 0, 255]) }).toString(
    'base64',
  )
  const { annotations, taskType } = await readShapes(
    shape(
      'mask',
      [
        [10, 20],
        [11, 22],
      ],
      { mask },
    ),
  )
  expect(taskType).toBe('segmentation')
  const [annotation] = annotations
  expect(annotation).toMatchObject({ kind: 'mask', bbox: [10, 20, 2, 3] })
  const { data } = decodeMask(annotation?.rle ?? { width: 1, height: 1, counts: [1] })
  expect([...data.entries()].flatMap(([at, value]) => (value ? [[at % 100, Math.floor(at / 100)]] : []))).toEqual([
    [10, 20],
    [10, 21],
    [11, 21],
    [11, 22],
  ])
})

test('a mask takes no more memory than its own box, whatever size the image claims', async () => {
  const mask = encodePng({ width: 2, height: 2, channels: 1, data: new Uint8Array([1, 1, 0, 1]) }).toString('base64')
  using folder = temporaryFolder({
    '1.json': labelMe(
      [
        shape(
          'mask',
          [
            [5, 7],
            [6, 8],
          ],
          { mask },
        ),
      ],
      { imageWidth: 1_000_000, imageHeight: 1_000_000 },
    ),
  })
  const { records } = await readAll(await readLabelme(folder.dir))
  expect(records[0]?.annotations[0]?.rle).toEqual({
    width: 1_000_000,
    height: 1_000_000,
    counts: [5_000_007, 1, 999_999, 2, 1_000_000_000_000 - 6_000_009],
  })
})

test('a mask over the whole image is one run', async () => {
  const mask = encodePng({ width: 100, height: 80, channels: 1, data: new Uint8Array(8000).fill(1) }).toString('base64')
  const { annotations } = await readShapes(
    shape(
      'mask',
      [
        [0, 0],
        [99, 79],
      ],
      { mask },
    ),
  )
  expect(annotations[0]?.rle?.counts).toEqual([0, 8000])
})

test('the runs of a mask at any position match its pixels', async () => {
  const place = fc.record({
    x: fc.nat(3),
    y: fc.nat(2),
    width: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(
      place,
      fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
      async ({ x, y, width, height }, set) => {
        const [imageWidth, imageHeight] = [x + width + (set[0] ? 1 : 0), y + height + (set[1] ? 1 : 0)]
        const data = Uint8Array.from({ length: width * height }, (_, at) => (set[at] ? 1 : 0))
        if (!data.includes(1)) return
        const whole = new Uint8Array(imageWidth * imageHeight)
        for (const [at, value] of data.entries())
          whole[(y + Math.floor(at / width)) * imageWidth + x + (at % width)] = value
        const mask = encodePng({ width, height, channels: 1, data }).toString('base64')
        const corners = [
          [x, y],
          [x + width - 1, y + height - 1],
        ]
        using folder = temporaryFolder({
          '1.json': labelMe([shape('mask', corners, { mask })], { imageWidth, imageHeight }),
        })
        const { records } = await readAll(await readLabelme(folder.dir))
        expect(records[0]?.annotations[0]?.rle).toEqual(
          encodeMask({ width: imageWidth, height: imageHeight, data: whole }),
        )
      },
    ),
  )
})

test('counts masks that are damaged or larger than their image', async () => {
  const mask = encodePng({ width: 9, height: 9, channels: 1, data: new Uint8Array(81).fill(1) }).toString('base64')
  const { losses, annotations } = await readShapes(
    shape(
      'mask',
      [
        [95, 0],
        [103, 8],
      ],
      { mask },
    ),
    shape(
      'mask',
      [
        [0, 0],
        [8, 8],
      ],
      { mask: 'AAAA' },
    ),
    shape('mask', [
      [0, 0],
      [8, 8],
    ]),
  )
  expect(annotations).toEqual([])
  expect(losses).toEqual({ 'annotation-invalid': 2, 'mask-size-mismatch': 1 })
})
