import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { convert, createFiles, read } from '../testing/coco-dataset.ts'

const WIDTH = 640
const HEIGHT = 480
const number = (max: number) => fc.double({ min: 0, max, noNaN: true, noDefaultInfinity: true })
const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const extra = fc.dictionary(
  fc.constantFrom('score', 'note', 'occluded', '__proto__', 'constructor'),
  fc.oneof(
    text,
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  ),
  { maxKeys: 3 },
)
const ring = fc
  .array(fc.tuple(number(WIDTH), number(HEIGHT)), { minLength: 3, maxLength: 8 })
  .map((points) => points.flat().map((value) => value + 0))
const bbox = fc
  .tuple(number(WIDTH / 2), number(HEIGHT / 2), number(WIDTH / 2), number(HEIGHT / 2))
  .map((box) => box.map((value) => value + 0))
/** Runs that add up to the size of the image, with a pixel of the object: a mask without one is no object. */
const counts = fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }).map((runs) => {
  const [first = 0, object = 0, ...rest] = runs
  const all = [first, object + 1, ...rest]
  const total = all.reduce((sum, run) => sum + run, 0)
  return [...all, WIDTH * HEIGHT - total]
})
const point = fc
  .tuple(number(WIDTH), number(HEIGHT), fc.constantFrom(0, 1, 2))
  .map(([x, y, v]) => (v === 0 ? [0, 0, 0] : [x + 0, y + 0, v]))
const keypoints = fc.tuple(point, point, point).map((points) => points.flat())

const geometry = fc.oneof(
  bbox.map((box) => ({ bbox: box })),
  ring.chain((first) => fc.array(ring, { maxLength: 2 }).map((others) => ({ segmentation: [first, ...others] }))),
  counts.map((runs) => ({ segmentation: { size: [HEIGHT, WIDTH], counts: runs } })),
  fc.tuple(bbox, keypoints).map(([box, points]) => ({ bbox: box, keypoints: points })),
)
const object = fc.record({ classNumber: fc.nat(2), geometry, extra, isCrowd: fc.boolean(), area: number(1000) })
const images = fc.array(
  fc.record({
    objects: fc.array(object, { maxLength: 4 }),
    extra,
    split: fc.constantFrom('train', 'val', 'test', undefined),
    isText: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
)
const IDS = [3, 17, 90]

/** Created by `JSON.parse`, so that `__proto__` is an ordinary member. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value))

/** The records of both must be the same, except for the changes in the report. */
async function expectSame(source: string, format: 'coco' | 'dice') {
  const result = await convert(source, format)
  const before = await read(source, format)
  const after = await read(result.dir, format)
  const sorted = (records: typeof before.records) =>
    plain(records.map(({ file: _, ...record }) => record)).sort((a, b) => (a.path < b.path ? -1 : 1))
  expect(sorted(after.records)).toEqual(sorted(before.records))
  expect(plain(after.reader.classes)).toEqual(plain(before.reader.classes))
  expect(after.reader.taskType).toBe(before.reader.taskType)
  const lost = result.report.losses.map(({ reason }) => reason)
  expect(lost.filter((reason) => reason !== 'box-derived' && reason !== 'image-missing-file')).toEqual([])
}

describe('pitfall 35: the same dataset after a round trip', () => {
  it('COCO → COCO: ids, order, geometry, crowds and attributes', async () => {
    await fc.assert(
      fc.asyncProperty(images, async (list) => {
        const source = createFiles({
          'annotations/instances_train.json': {
            info: { year: 2024 },
            licenses: [{ id: 1 }],
            images: list.map((image, id) => ({
              ...image.extra,
              id: image.isText ? `id ${id}` : id * 3,
              file_name: `deep/${id}.jpg`,
              width: WIDTH,
              height: HEIGHT,
            })),
            categories: IDS.map((id) => ({ id, name: `${id}`, supercategory: 'x', keypoints: ['a', 'b', 'c'] })),
            annotations: list.flatMap((image, id) =>
              image.objects.map(({ classNumber, geometry: shape, extra: more, isCrowd, area }, index) => ({
                ...more,
                id: id * 100 + index,
                image_id: image.isText ? `id ${id}` : id * 3,
                category_id: IDS[classNumber],
                ...shape,
                iscrowd: isCrowd ? 1 : 0,
                area: area + 0,
              })),
            ),
          },
        })
        await expectSame(source, 'coco')
      }),
      { numRuns: 40 },
    )
  })

  it('DICE → DICE: also polylines, circles, captions, splits and background markers', async () => {
    const shape = fc.oneof(
      geometry,
      ring.map((polyline) => ({ polyline })),
      fc.tuple(number(WIDTH), number(HEIGHT), number(99)).map(([x, y, radius]) => ({
        circle: { center: [x + 0, y + 0], radius: radius + 0 },
      })),
      fc.constant({}),
      fc.constant({ type: 'arrow', geometry: { from: [1, 2], to: [3, 4] } }),
    )
    const diceObject = fc.record({ classNumber: fc.nat(2), shape, extra, isCrowd: fc.boolean() })
    const diceImages = fc.array(
      fc.record({
        objects: fc.array(diceObject, { maxLength: 4 }),
        extra,
        split: fc.constantFrom('train', 'val', 'test', undefined),
        captions: fc.array(text, { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(diceImages, async (list) => {
        const source = createFiles({
          'annotations_segmentation.json': {
            format_version: '1.0',
            dataset_id: 'd1',
            dataset_name: 'round trip',
            task_type: 'instance_segmentation',
            created_at: '2024-01-01T00:00:00Z',
            storage_info: { storage_type: 's3', bucket: 'b', image_root: 'images' },
            classes: IDS.map((id) => ({ id, name: `${id}`, color: '#fff', supercategory: 'x' })),
            images: list.map((image, id) => ({
              ...image.extra,
              id,
              file_name: `${id}.jpg`,
              file_format: 'jpg',
              width: WIDTH,
              height: HEIGHT,
              depth: 3,
              split: image.split,
              image_captions: image.captions,
              metadata: { labeled_by: 'me' },
              annotations:
                image.objects.length === 0
                  ? [{ class_id: -1, class_name: '__background__', is_background: true, image_id: id }]
                  : image.objects.map((item, index) => ({
                      id: id * 100 + index,
                      image_id: id,
                      class_id: IDS[item.classNumber],
                      class_name: `${IDS[item.classNumber]}`,
                      attributes: item.extra,
                      iscrowd: item.isCrowd ? 1 : undefined,
                      ...item.shape,
                    })),
            })),
          },
        })
        await expectSame(source, 'dice')
      }),
      { numRuns: 40 },
    )
  })
})
