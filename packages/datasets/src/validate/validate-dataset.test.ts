import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readVoc } from '../formats/voc/read.ts'
import type { Annotation, DatasetReader, ImageRecord } from '../record/record.ts'
import { classesNamed, imageRecord, plainPng, temporaryFolder } from '../testing/dataset-formats.ts'
import { validateDataset } from './validate-dataset.ts'

function reader(records: readonly ImageRecord[], rest: Partial<DatasetReader> = {}): DatasetReader {
  return {
    format: 'coco',
    taskType: 'detection',
    classes: classesNamed('a'),
    async *images() {
      yield* records
    },
    ...rest,
  }
}

const box = (...bbox: [number, number, number, number]): Annotation => ({ kind: 'box', classId: 0, bbox })

async function findCodes(records: readonly ImageRecord[], rest: Partial<DatasetReader> = {}) {
  const { findings } = await validateDataset(reader(records, rest), { pixels: false })
  return Object.fromEntries(findings.map(({ code, count }) => [code, count]))
}

test('finds nothing in a valid dataset, and counts its content', async () => {
  using folder = temporaryFolder({ '1.png': plainPng(100, 80), '2.png': plainPng(60, 40) })
  const records = [
    imageRecord('1.png', {
      file: join(folder.dir, '1.png'),
      split: 'train',
      annotations: [box(0, 0, 10, 10), box(20, 0, 50, 50)],
    }),
    imageRecord('2.png', {
      file: join(folder.dir, '2.png'),
      width: 0,
      height: 0,
      split: 'val',
      annotations: [box(0, 0, 5, 5)],
    }),
  ]
  expect(await validateDataset(reader(records), { dir: folder.dir, duplicates: true })).toEqual({
    format: 'coco',
    taskType: 'detection',
    images: 2,
    labelled: 2,
    annotations: 3,
    splits: {
      train: { images: 1, annotations: 2 },
      val: { images: 1, annotations: 1 },
      test: { images: 0, annotations: 0 },
      unsplit: { images: 0, annotations: 0 },
    },
    classes: [{ id: 0, name: 'a', images: 2, annotations: 3, splits: { train: 2, val: 1, test: 0, unsplit: 0 } }],
    sizes: {
      width: { min: 60, median: 100, max: 100 },
      height: { min: 40, median: 80, max: 80 },
      boxes: { small: 2, medium: 1, large: 0 },
    },
    findings: [],
  })
})

test('distinguishes missing, orphaned, damaged, copied and wrongly sized images', async () => {
  using folder = temporaryFolder({
    '1.png': plainPng(100, 80),
    '2.png': plainPng(80, 100, [1, 2, 3]),
    '3.png': 'not an image',
    '4.png': plainPng(100, 80),
    'orphan.JPG': 'x',
  })
  const at = (name: string, rest: Partial<ImageRecord> = {}) =>
    imageRecord(name, { file: join(folder.dir, name), annotations: [box(0, 0, 5, 5)], ...rest })
  const records = [
    at('1.png', { split: 'train' }),
    at('2.png', { split: 'val' }),
    at('3.png', { split: 'val' }),
    at('4.png', { split: 'val' }),
    at('gone.png', { split: 'val' }),
  ]
  const { findings } = await validateDataset(reader(records), { dir: folder.dir, duplicates: true })
  expect(findings.map(({ code, examples }) => [code, examples])).toEqual([
    ['image-missing', ['gone.png']],
    ['image-unreadable', [expect.stringContaining('3.png')]],
    ['size-mismatch', ['2.png: 80 × 100, annotated as 100 × 80']],
    ['content-leak', ['4.png (val) and 1.png (train)']],
    ['image-orphan', ['orphan.JPG']],
  ])
})

test.each<[string, Annotation, string]>([
  ['a box out of its image', box(90, 0, 20, 10), 'box-outside'],
  ['a box without area', box(5, 5, 0, 10), 'box-invalid'],
  ['a box of no numbers', box(Number.NaN, 5, 1, 10), 'box-invalid'],
  [
    'a polygon on a line',
    { kind: 'polygon', classId: 0, bbox: [0, 0, 9, 9], polygons: [[0, 0, 5, 5, 9, 9]] },
    'polygon-degenerate',
  ],
  ['a polygon out of its image', { kind: 'polygon', classId: 0, polygons: [[0, 0, 200, 0, 0, 50]] }, 'polygon-outside'],
  [
    'a mask of another size',
    { kind: 'mask', classId: 0, rle: { width: 2, height: 2, counts: [1, 3] } },
    'mask-mismatch',
  ],
  [
    'a keypoint out of its image',
    { kind: 'keypoints', classId: 0, bbox: [0, 0, 9, 9], keypoints: [-5, 0, 2] },
    'keypoint-outside',
  ],
  [
    'keypoints of no whole number',
    { kind: 'keypoints', classId: 0, bbox: [0, 0, 9, 9], keypoints: [1, 1, 2, 1] },
    'keypoint-count',
  ],
  ['a class that is not in the list', { kind: 'class', classId: 7 }, 'class-unknown'],
])('finds %s', async (_what, annotation, code) => {
  expect(await findCodes([imageRecord('1.png', { annotations: [box(0, 0, 1, 1), annotation] })])).toEqual({ [code]: 1 })
})

test('finds duplicates: images, objects, class names, and file names that differ only in case', async () => {
  const records = [
    imageRecord('a/1.png', { annotations: [box(0, 0, 5, 5), box(0, 0, 5, 5), { ...box(0, 0, 5, 5), classId: 1 }] }),
    imageRecord('A/1.jpg', { annotations: [box(0, 0, 5, 5)] }),
    imageRecord('a/1.png', { annotations: [box(0, 0, 5, 5)] }),
  ]
  expect(await findCodes(records, { classes: classesNamed('Dog', 'dog ') })).toEqual({
    'annotation-duplicate': 1,
    'class-name': 1,
    'path-collision': 1,
    'path-duplicate': 1,
  })
})

test('finds classes and splits without objects, and copies of an image in two splits', async () => {
  const copy = (split: 'train' | 'test', digit: string) =>
    imageRecord(`cat_jpg.rf.${digit.repeat(32)}.jpg`, { split, annotations: [box(0, 0, 5, 5)] })
  expect(await findCodes([copy('train', '1'), copy('test', '2')], { classes: classesNamed('a', 'b') })).toEqual({
    'class-empty': 1,
    'group-leak': 1,
    'split-empty': 1,
  })
  expect(await findCodes([])).toMatchObject({ 'dataset-empty': 1 })
})

test('reports the losses of reading, and does not follow links out of the folder', async () => {
  using outside = temporaryFolder({ 'secret.png': plainPng(4, 4) })
  using folder = temporaryFolder({
    'Annotations/1.xml': '<annotation><filename>1.png</filename><object><name>a</name></object></annotation>',
    'JPEGImages/2.png': plainPng(4, 4),
  })
  symlinkSync(join(outside.dir, 'secret.png'), join(folder.dir, 'JPEGImages/1.png'))
  const { findings } = await validateDataset(await readVoc(folder.dir), { dir: folder.dir })
  expect(findings.map(({ code, count, examples }) => [code, count, examples])).toContainEqual([
    'lost-in-reading',
    3,
    [
      'annotation-invalid: "a" in Annotations/1.xml',
      'image-unlabelled: JPEGImages/2.png: no XML file names it',
      'image-unsafe-path: JPEGImages/1.png',
    ],
  ])
  expect(findings.map(({ code }) => code)).toContain('image-missing')
})
