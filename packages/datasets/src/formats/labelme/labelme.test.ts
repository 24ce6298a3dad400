import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeMask } from '../../geometry/rle.ts'
import type { Annotation } from '../../record/record.ts'
import {
  classesNamed,
  countLosses,
  imageRecord,
  plainPng,
  readAll,
  temporaryFolder,
  writeContext,
  writeRecords,
} from '../../testing/dataset-formats.ts'
import { labelMe, readShapes, shape } from '../../testing/labelme-shapes.ts'
import { readLabelme } from './read.ts'
import { createLabelmeWriter } from './write.ts'

test.each([
  [
    [10, 20],
    [40, 60],
  ],
  [
    [40, 60],
    [10, 20],
  ],
  [
    [40, 20],
    [10, 60],
  ],
  [
    [10, 60],
    [40, 20],
  ],
])('reads a rectangle from corners in any order: %j %j', async (...points) => {
  const { taskType, annotations } = await readShapes(shape('rectangle', points))
  expect({ taskType, annotations }).toEqual({
    taskType: 'detection',
    annotations: [{ kind: 'box', classId: 0, bbox: [10, 20, 30, 40] }],
  })
})

test('counts shapes without an area and continues', async () => {
  const { annotations, losses } = await readShapes(
    shape('polygon', [
      [1, 1],
      [5, 5],
    ]),
    shape('rectangle', [
      [3, 3],
      [3, 9],
    ]),
    shape('circle', [
      [3, 3],
      [3, 3],
    ]),
    shape('rectangle', [[1, 2]]),
    shape('polygon', [
      [1, 1],
      [5, null],
      [5, 5],
    ]),
    shape('cuboid', [[1, 1]]),
    shape('polygon', [
      [0, 0],
      [5, 0],
      [5, 5],
    ]),
  )
  expect(annotations).toHaveLength(1)
  expect(losses).toEqual({
    'annotation-invalid': 2,
    'annotation-kind-not-supported': 1,
    'annotation-too-small': 2,
    'polygon-degenerate': 1,
  })
})

test('joins polygons with the same label and group, and keeps shapes that only LabelMe has', async () => {
  const triangle = (at: number) => [
    [at, 0],
    [at + 5, 0],
    [at, 5],
  ]
  const { taskType, annotations } = await readShapes(
    shape('polygon', triangle(0), { group_id: 3, description: 'behind a tree', flags: { wet: true } }),
    shape('linestrip', [
      [0, 0],
      [1, 1],
      [2, 0],
    ]),
    shape('polygon', triangle(20), { group_id: 3 }),
    shape('polygon', triangle(40)),
  )
  expect(taskType).toBe('segmentation')
  expect(annotations).toEqual([
    {
      kind: 'polygon',
      classId: 0,
      polygons: [
        [0, 0, 5, 0, 0, 5],
        [20, 0, 25, 0, 20, 5],
      ],
      bbox: [0, 0, 25, 5],
      group: 3,
      attributes: { flags: { wet: true }, description: 'behind a tree' },
    },
    { kind: 'other', classId: 0, attributes: { shape: { type: 'linestrip', points: [0, 0, 1, 1, 2, 0] } } },
    { kind: 'polygon', classId: 0, polygons: [[40, 0, 45, 0, 40, 5]], bbox: [40, 0, 5, 5] },
  ])
})

test('reads circles as polygons, counts them, and writes them as circles again', async () => {
  using folder = temporaryFolder({
    '1.json': labelMe([
      shape('circle', [
        [50, 40],
        [50, 50],
      ]),
    ]),
  })
  const { records, losses } = await readAll(await readLabelme(folder.dir))
  expect(countLosses(losses)).toEqual({ 'polygon-from-circle': 1 })
  const [circle] = records[0]?.annotations ?? []
  expect(circle).toMatchObject({
    kind: 'polygon',
    bbox: [40, 30, 20, 20],
    attributes: { circle: { center: [50, 40], radius: 10 } },
  })
  const target = join(folder.dir, 'out')
  await writeRecords(
    createLabelmeWriter,
    writeContext(target, { taskType: 'segmentation', classes: classesNamed('a') }),
    records,
  )
  const written = JSON.parse(readFileSync(join(target, '1.json'), 'utf8'))
  expect(written.shapes).toMatchObject([
    {
      shape_type: 'circle',
      points: [
        [50, 40],
        [60, 40],
      ],
    },
  ])
})

test('reads points that share a group with a rectangle as its keypoints', async () => {
  const { taskType, annotations } = await readShapes(
    shape(
      'rectangle',
      [
        [0, 0],
        [50, 50],
      ],
      { label: 'person', group_id: 1 },
    ),
    shape('point', [[10, 11]], { label: 'nose', group_id: 1 }),
    shape('point', [[20, 21]], { label: 'ear', group_id: 1, flags: { occluded: true } }),
    shape(
      'rectangle',
      [
        [50, 50],
        [90, 70],
      ],
      { label: 'person', group_id: 2 },
    ),
    shape('point', [[60, 60]], { label: 'nose', group_id: 2 }),
  )
  expect(taskType).toBe('pose')
  expect(annotations.map(({ kind, keypoints }) => ({ kind, keypoints }))).toEqual([
    { kind: 'keypoints', keypoints: [20, 21, 1, 10, 11, 2] },
    { kind: 'keypoints', keypoints: [0, 0, 0, 60, 60, 2] },
  ])
})

test('reads the image in the JSON file when there is no image file', async () => {
  using folder = temporaryFolder({
    '1.json': labelMe(
      [
        shape('rectangle', [
          [0, 0],
          [3, 3],
        ]),
      ],
      { imageData: plainPng(4, 4).toString('base64') },
    ),
  })
  const reader = await readLabelme(folder.dir)
  for await (const record of reader.images()) expect(readFileSync(record.file ?? '')).toEqual(plainPng(4, 4))
  await reader.close?.()
})

test('keeps the order of labels.txt, without the names that are not classes', async () => {
  using folder = temporaryFolder({
    '1.json': labelMe([
      shape('rectangle', [
        [0, 0],
        [3, 3],
      ]),
      shape(
        'rectangle',
        [
          [0, 0],
          [3, 3],
        ],
        { label: 'new' },
      ),
    ]),
    'labels.txt': '__ignore__\n_background_\nz\na\n',
  })
  const reader = await readLabelme(folder.dir)
  expect(reader.classes.map(({ name }) => name)).toEqual(['z', 'a'])
  const { records, losses } = await readAll(reader)
  expect(records[0]?.annotations.map(({ classId }) => classId)).toEqual([1])
  expect(countLosses(losses)).toEqual({ 'annotation-of-unknown-class': 1 })
})

test.each([
  ['not JSON', '{"shapes": [', /^1\.json is not JSON/],
  ['a wrong type', '{"shapes": [{"label": []}]}', /shapes\[0\]\.label in 1\.json/],
  ['an absurd size', labelMe([], { imageWidth: 1e12 }), /imageWidth in 1\.json/],
])('refuses %s with its position', async (_what, text, message) => {
  using folder = temporaryFolder({ '1.json': text })
  await expect(readLabelme(folder.dir)).rejects.toThrow(message)
})

const coordinate = (max: number) => fc.double({ min: 0, max, noNaN: true })
const points = (count: number) =>
  fc.array(fc.tuple(coordinate(100), coordinate(80)), { minLength: count, maxLength: count }).map((list) => list.flat())
const mask = fc
  .uint8Array({ minLength: 8000, maxLength: 8000, max: 1 })
  .filter((data) => data.includes(1))
  .map((data) => encodeMask({ width: 100, height: 80, data }))
const annotation: fc.Arbitrary<Annotation> = fc.oneof(
  fc
    .record({ classId: fc.nat(1), polygons: fc.array(points(4), { minLength: 1, maxLength: 3 }) })
    .map((part): Annotation => ({ kind: 'polygon', ...part })),
  fc.record({ classId: fc.nat(1), rle: mask }).map((part): Annotation => ({ kind: 'mask', ...part })),
  fc
    .record({
      classId: fc.nat(1),
      x: coordinate(50),
      y: coordinate(40),
      width: fc.double({ min: 0.1, max: 50, noNaN: true }),
    })
    .map(({ classId, x, y, width }): Annotation => ({ kind: 'box', classId, bbox: [x, y, width, width / 2] })),
)

test('keeps polygons with several parts, masks pixel by pixel, and boxes in a round trip', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(annotation, { maxLength: 4 }),
      fc.constantFrom('train' as const, undefined),
      async (annotations, split) => {
        using folder = temporaryFolder()
        const records = [imageRecord('한글/1.png', { annotations, split })]
        const context = writeContext(folder.dir, { taskType: 'segmentation', classes: classesNamed('z', 'a') })
        expect(await writeRecords(createLabelmeWriter, context, records)).toEqual([])
        const reader = await readLabelme(folder.dir, { task: 'segmentation' })
        expect(reader.classes).toEqual(classesNamed('z', 'a'))
        const back = await readAll(reader)
        expect(back.losses).toEqual([])
        expect(back.records).toMatchObject([{ path: split ? 'train/한글/1.png' : '한글/1.png', split }])
        const got = back.records[0]?.annotations ?? []
        expect(got.map(({ kind, classId }) => ({ kind, classId }))).toEqual(
          annotations.map(({ kind, classId }) => ({ kind, classId })),
        )
        for (const [index, expected] of annotations.entries()) {
          expect(got[index]?.rle).toEqual(expected.rle)
          expect(got[index]?.polygons?.map((ring) => ring.length)).toEqual(
            expected.polygons?.map((ring) => ring.length),
          )
          const numbers = (item: Annotation | undefined) =>
            item?.polygons?.flat() ?? (item?.kind === 'box' ? item.bbox : []) ?? []
          for (const [at, value] of numbers(expected).entries())
            expect(Math.abs((numbers(got[index])[at] ?? NaN) - value)).toBeLessThan(1.1e-6)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('keeps the order, visibility and skeleton of keypoints in a round trip', async () => {
  const keypoints = fc.array(
    fc.oneof(
      fc.constant([0, 0, 0]),
      fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 80 }), fc.constantFrom(1, 2)),
    ),
    { minLength: 3, maxLength: 3 },
  )
  const person = { id: 0, name: 'person', keypoints: ['nose', 'eye', 'ankle'], skeleton: [[0, 1] as [number, number]] }
  await fc.assert(
    fc.asyncProperty(fc.array(keypoints, { minLength: 1, maxLength: 3 }), async (people) => {
      using folder = temporaryFolder()
      const annotations = people.map(
        (list): Annotation => ({ kind: 'keypoints', classId: 0, bbox: [1, 2, 30, 40], keypoints: list.flat() }),
      )
      const context = writeContext(folder.dir, { taskType: 'pose', classes: [person] })
      expect(await writeRecords(createLabelmeWriter, context, [imageRecord('1.png', { annotations })])).toEqual([])
      const reader = await readLabelme(folder.dir, { task: 'pose' })
      expect(reader.classes).toEqual([person])
      const { records } = await readAll(reader)
      expect(records[0]?.annotations.map((item) => item.keypoints)).toEqual(annotations.map((item) => item.keypoints))
    }),
    { numRuns: 30 },
  )
})
