import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Annotation } from '../record/record.ts'
import { imageRecord, plainPng, temporaryFolder } from '../testing/dataset-formats.ts'
import { memoryReader } from '../testing/memory-reader.ts'
import { diffDatasets } from './diff-datasets.ts'

const box = (classId: number, bbox: [number, number, number, number]): Annotation => ({ kind: 'box', classId, bbox })

describe('objects', () => {
  const diff = async (before: Annotation[], after: Annotation[], classes = ['car', 'bus']) =>
    diffDatasets(
      memoryReader([imageRecord('a.png', { annotations: before })], ['car', 'bus']),
      memoryReader([imageRecord('a.png', { annotations: after })], classes),
      { pixels: false },
    )

  test('a moved box, another class, a new and a missing object are told apart', async () => {
    const { objects, changes } = await diff(
      [box(0, [0, 0, 10, 10]), box(0, [20, 0, 10, 10]), box(0, [40, 0, 10, 10]), box(1, [60, 0, 10, 10])],
      [box(0, [0, 0, 10, 10]), box(0, [20, 0, 10, 8]), box(1, [40, 0, 10, 10]), box(0, [80, 40, 5, 5])],
    )
    expect(objects).toEqual({ unchanged: 1, added: 1, removed: 1, moved: 1, reclassified: 1 })
    expect(changes).toEqual([
      {
        path: 'a.png',
        added: [{ className: 'car' }],
        removed: [{ className: 'bus' }],
        moved: [{ className: 'car', iou: 0.8 }],
        reclassified: [{ from: 'car', to: 'bus', iou: 1 }],
      },
    ])
  })

  test('the order of objects does not matter, and rounding in the seventh digit is no change', async () => {
    const { objects, changes } = await diff(
      [box(0, [1, 1, 10, 10]), box(1, [30, 1, 10.0000001, 10])],
      [box(1, [30, 1, 10, 10]), box(0, [1, 1, 10, 10])],
    )
    expect(changes).toEqual([])
    expect(objects.unchanged).toBe(2)
  })

  test('a class with another name is found by its objects, and its objects are unchanged', async () => {
    const boxes = [box(0, [0, 0, 10, 10]), box(0, [20, 0, 10, 10])]
    const { classes, objects } = await diff(boxes, boxes, ['automobile', 'bus'])
    expect(classes).toEqual({ added: [], removed: [], renamed: [{ from: 'car', to: 'automobile', objects: 2 }] })
    expect(objects).toEqual({ unchanged: 2, added: 0, removed: 0, moved: 0, reclassified: 0 })
  })

  test('the class of an image can change', async () => {
    const { objects } = await diff([{ kind: 'class', classId: 0 }], [{ kind: 'class', classId: 1 }])
    expect(objects).toMatchObject({ reclassified: 1, added: 0, removed: 0 })
  })
})

test('images are added, removed, renamed, moved to another split and repainted', async () => {
  using folder = temporaryFolder({
    'old/kept.png': plainPng(4, 4, [1, 1, 1]),
    'old/painted.png': plainPng(4, 4, [2, 2, 2]),
    'old/before.png': plainPng(4, 4, [3, 3, 3]),
    'old/gone.png': plainPng(4, 4, [4, 4, 4]),
    'new/kept.png': plainPng(4, 4, [1, 1, 1]),
    'new/painted.png': plainPng(4, 4, [9, 9, 9]),
    'new/after.png': plainPng(4, 4, [3, 3, 3]),
    'new/fresh.png': plainPng(4, 4, [5, 5, 5]),
  })
  const read = (dir: string, names: string[], split: 'train' | 'val') =>
    memoryReader(
      names.map((name) =>
        imageRecord(name, { file: join(folder.dir, dir, name), split: name === 'kept.png' ? split : undefined }),
      ),
      [],
    )
  const before = read('old', ['kept.png', 'painted.png', 'before.png', 'gone.png'], 'train')
  const after = read('new', ['kept.png', 'painted.png', 'after.png', 'fresh.png'], 'val')
  const { images } = await diffDatasets(before, after)
  expect(images).toEqual({
    common: 3,
    added: ['fresh.png'],
    removed: ['gone.png'],
    renamed: [{ from: 'before.png', to: 'after.png' }],
    moved: [{ path: 'kept.png', from: 'train', to: 'val' }],
    repainted: ['painted.png'],
  })
})

test('no dataset differs from itself, and every object is counted once in any two', async () => {
  const object = fc
    .tuple(fc.nat(2), fc.nat(80), fc.nat(60), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }))
    .map(([classId, x, y, width, height]) => box(classId, [x, y, width, height]))
  const dataset = fc.array(fc.array(object, { maxLength: 6 }), { maxLength: 5 }).map((images) =>
    memoryReader(
      images.map((annotations, number) => imageRecord(`${number}.png`, { annotations })),
      ['a', 'b', 'c'],
    ),
  )
  const countIn = async (reader: ReturnType<typeof memoryReader>, common: number) => {
    let count = 0
    let images = 0
    for await (const { annotations } of reader.images()) if (images++ < common) count += annotations.length
    return count
  }
  await fc.assert(
    fc.asyncProperty(dataset, dataset, async (before, after) => {
      const same = await diffDatasets(before, before, { pixels: false })
      expect([same.changes, same.objects.added, same.objects.removed]).toEqual([[], 0, 0])
      const { objects, images } = await diffDatasets(before, after, { pixels: false })
      const kept = objects.unchanged + objects.moved + objects.reclassified
      expect(kept + objects.removed).toBe(await countIn(before, images.common))
      expect(kept + objects.added).toBe(await countIn(after, images.common))
    }),
    { numRuns: 60 },
  )
})
