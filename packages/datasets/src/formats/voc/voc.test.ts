import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Annotation, ImageRecord } from '../../record/record.ts'
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
import { readVoc } from './read.ts'
import { createVocWriter } from './write.ts'

function xml(objects: string, size = '<width>100</width><height>80</height>', filename = '1.jpg') {
  return `<annotation><filename>${filename}</filename><size>${size}<depth>3</depth></size>${objects}</annotation>`
}

function object(name: string, box: readonly (number | string)[], rest = '') {
  const [xmin, ymin, xmax, ymax] = box
  return `<object><name>${name}</name>${rest}<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox></object>`
}

test('reads the devkit: boxes, flags, splits by list, and images in subfolders', async () => {
  using folder = temporaryFolder({
    'VOC2012/Annotations/1.xml': xml(
      object('dog', [10, 20, 30, 60], '<pose>Left</pose><truncated>1</truncated><difficult>0</difficult>'),
    ),
    'VOC2012/Annotations/sub/2.xml': xml('', undefined, '2.jpg'),
    'VOC2012/JPEGImages/1.jpg': '',
    'VOC2012/JPEGImages/sub/2.jpg': '',
    'VOC2012/ImageSets/Main/val.txt': '1\n',
    'VOC2012/ImageSets/Main/dog_val.txt': '1 1\n',
    'VOC2012/ImageSets/Main/trainval.txt': '1\nsub/2\n',
    'VOC2012/ImageSets/Main/train.txt': 'sub/2\r\n',
  })
  const reader = await readVoc(folder.dir)
  expect(reader).toMatchObject({ format: 'voc', taskType: 'detection', classes: [{ id: 0, name: 'dog' }] })
  const { records, losses } = await readAll(reader)
  expect(losses).toEqual([])
  expect(records).toEqual([
    {
      path: 'VOC2012/JPEGImages/1.jpg',
      file: join(folder.dir, 'VOC2012/JPEGImages/1.jpg'),
      width: 100,
      height: 80,
      split: 'val',
      annotations: [{ kind: 'box', classId: 0, bbox: [10, 20, 20, 40], attributes: { pose: 'Left', truncated: true } }],
    },
    expect.objectContaining({ path: 'VOC2012/JPEGImages/sub/2.jpg', split: 'train', annotations: [] }),
  ])
})

test('reads files beside their images, in folders named after splits, and counts images without a file', async () => {
  using folder = temporaryFolder({
    'train/a.xml': xml(object('cat', [0, 0, 5, 5]), undefined, 'a.JPG'),
    'train/a.JPG': '',
    'valid/b.xml': xml('', undefined, 'somewhere/else/renamed.png'),
    'valid/b.png': '',
    'valid/c.png': '',
  })
  const { records, losses } = await readAll(await readVoc(folder.dir))
  expect(records.map(({ path, split, file }) => [path, split, file !== undefined])).toEqual([
    ['train/a.JPG', 'train', true],
    ['valid/b.png', 'val', true],
  ])
  expect(countLosses(losses)).toEqual({ 'image-unlabelled': 1 })
})

test('reads numbers with fractions, and counts invalid boxes', async () => {
  using folder = temporaryFolder({
    '1.xml': xml(
      object('a', ['1.5', ' 2.25 ', '1e1', '20.125']) +
        object('a', ['nan', 1, 2, 3]) +
        object('a', [5, 5, 5, 9]) +
        object('a', ['', 0, 1, 1]) +
        '<object><name>a</name></object>',
    ),
  })
  const { records, losses } = await readAll(await readVoc(folder.dir))
  expect(records[0]?.annotations).toEqual([{ kind: 'box', classId: 0, bbox: [1.5, 2.25, 8.5, 17.875] }])
  expect(countLosses(losses)).toEqual({ 'annotation-invalid': 4 })
})

test('reads the rotated boxes and polygons of other tools', async () => {
  const rotated =
    '<object><name>ship</name><robndbox><cx>50</cx><cy>40</cy><w>20</w><h>10</h><angle>1.5707963267948966</angle></robndbox></object>'
  using folder = temporaryFolder({ '1.xml': xml(rotated) })
  const reader = await readVoc(folder.dir)
  expect(reader.taskType).toBe('obb')
  const [record] = (await readAll(reader)).records
  expect(record?.annotations[0]?.obb?.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([
    55, 30, 55, 50, 45, 50, 45, 30,
  ])

  const polygon = '<polygon><x1>0</x1><y1>0</y1><x2>9</x2><y2>0</y2><x3>9</x3><y3>9</y3></polygon>'
  using other = temporaryFolder({ '1.xml': xml(object('a', [0, 0, 9, 9], polygon)) })
  const polygons = await readVoc(other.dir)
  expect(polygons.taskType).toBe('segmentation')
  expect((await readAll(polygons)).records[0]?.annotations[0]?.polygons).toEqual([[0, 0, 9, 0, 9, 9]])
})

test('reads one-based corners: the first pixel is 1 and the last one belongs to the box', async () => {
  using folder = temporaryFolder({ '1.xml': xml(object('a', [1, 1, 100, 80])) })
  const { records } = await readAll(await readVoc(folder.dir, { vocOneBased: true }))
  expect(records[0]?.annotations[0]?.bbox).toEqual([0, 0, 100, 80])
  const written = temporaryFolder()
  const context = writeContext(
    written.dir,
    { taskType: 'detection', classes: classesNamed('a') },
    { vocOneBased: true },
  )
  await writeRecords(createVocWriter, context, records)
  const text = readFileSync(join(written.dir, 'Annotations/1.xml'), 'utf8')
  expect(text.match(/<(xmin|ymin|xmax|ymax)>\d+/g)).toEqual(['<xmin>1', '<ymin>1', '<xmax>100', '<ymax>80'])
  written[Symbol.dispose]()
})

test('clips boxes to the image, drops those outside, and counts each', async () => {
  using folder = temporaryFolder()
  const context = writeContext(folder.dir, { taskType: 'detection', classes: classesNamed('a') })
  const box = (...bbox: [number, number, number, number]): Annotation => ({ kind: 'box', classId: 0, bbox })
  const losses = await writeRecords(createVocWriter, context, [
    imageRecord('1.png', {
      annotations: [box(-10, 70, 20, 20), box(200, 0, 5, 5), box(0, 0, 0.001, 0.001), box(1, 1, -2, 3)],
    }),
  ])
  expect(countLosses(losses)).toEqual({
    'annotation-invalid': 1,
    'annotation-outside-image': 1,
    'annotation-too-small': 1,
    'box-clipped': 1,
  })
  const { records } = await readAll(await readVoc(folder.dir))
  expect(records[0]?.annotations.map(({ bbox }) => bbox)).toEqual([[0, 70, 10, 10]])
})

test('reads the size of an image from its file when the dataset does not have it', async () => {
  using folder = temporaryFolder({ 'in/1.png': plainPng(7, 5) })
  const record = { ...imageRecord('1.png', { width: 0, height: 0 }), file: join(folder.dir, 'in/1.png') }
  const target = join(folder.dir, 'out')
  await writeRecords(
    createVocWriter,
    writeContext(target, { taskType: 'detection', classes: [] }, { images: 'copy' }),
    [record],
  )
  const { records } = await readAll(await readVoc(target))
  expect(records[0]).toMatchObject({ width: 7, height: 5, file: join(target, 'JPEGImages/1.png') })
})

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const record = fc.record({
  stem: fc.stringMatching(/^[a-z0-9가-힣][a-z0-9가-힣 .-]{0,8}[a-z0-9가-힣]$/),
  folder: fc.constantFrom('', 'a/', 'b/c/'),
  split: fc.constantFrom('train' as const, 'val' as const, 'test' as const, undefined),
  boxes: fc.array(
    fc.record({
      classId: fc.nat(2),
      x: fc.double({ min: 0, max: 50, noNaN: true }),
      y: fc.double({ min: 0, max: 40, noNaN: true }),
      width: fc.double({ min: 0.1, max: 49, noNaN: true }),
      height: fc.double({ min: 0.1, max: 39, noNaN: true }),
      difficult: fc.boolean(),
      note: fc.oneof(name, fc.integer(), fc.boolean()),
    }),
    { maxLength: 4 },
  ),
})

test.each([' # ', '#', ' #1 '])('a class named %j is not read as a comment', async (name) => {
  using folder = temporaryFolder()
  const context = writeContext(folder.dir, { taskType: 'detection', classes: classesNamed('one', name) })
  const losses = countLosses(await writeRecords(createVocWriter, context, [imageRecord('1.png', {})]))
  expect(losses['class-renamed']).toBe(1)
  expect((await readVoc(folder.dir)).classes.map((item) => item.name)).toEqual(['one', `_${name.trim().slice(1)}`])
})

test('keeps paths, splits, classes, boxes within 1e-6 and attributes in a round trip, unless they are counted as lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(record, { minLength: 1, maxLength: 4, selector: ({ folder, stem }) => folder + stem }),
      fc.uniqueArray(name, { minLength: 3, maxLength: 3 }),
      fc.boolean(),
      async (rows, names, vocOneBased) => {
        using folder = temporaryFolder()
        const records = rows.map(
          ({ stem, folder: place, split, boxes }): ImageRecord =>
            imageRecord(`${place}${stem}.png`, {
              split,
              annotations: boxes.map(({ classId, x, y, width, height, difficult, note }) => ({
                kind: 'box' as const,
                classId,
                bbox: [x, y, width, height] as const satisfies Annotation['bbox'],
                attributes: difficult ? { difficult, note } : { note },
              })),
            }),
        )
        const context = writeContext(
          folder.dir,
          { taskType: 'detection', classes: classesNamed(...names) },
          { vocOneBased },
        )
        const losses = countLosses(await writeRecords(createVocWriter, context, records))
        const reader = await readVoc(folder.dir, { vocOneBased })
        const back = await readAll(reader)
        if (!losses['class-renamed']) expect(reader.classes.map((item) => item.name)).toEqual(names)
        expect(reader.classes).toHaveLength(3)
        const byPath = new Map(back.records.map((item) => [item.path, item]))
        for (const item of records) {
          const found = byPath.get(`JPEGImages/${item.path}`)
          expect(found).toMatchObject({ split: item.split, width: 100, height: 80 })
          expect(found?.annotations.map(({ classId }) => classId)).toEqual(
            item.annotations.map(({ classId }) => classId),
          )
          for (const [index, annotation] of item.annotations.entries()) {
            const got = found?.annotations[index]
            for (const [side, value] of (annotation.bbox ?? []).entries())
              expect(Math.abs((got?.bbox?.[side] ?? NaN) - value)).toBeLessThan(1.1e-6)
            if (!losses['annotation-attributes-dropped']) expect(got?.attributes).toEqual(annotation.attributes)
          }
        }
        expect(back.losses).toEqual([])
      },
    ),
    { numRuns: 60 },
  )
})
