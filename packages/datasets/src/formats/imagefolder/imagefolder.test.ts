import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
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
import { readImageFolder } from './read.ts'
import { createImageFolderWriter } from './write.ts'

test.each(['val', 'valid', 'validation'])(
  'reads the split folder %s as val, and class ids from all splits together',
  async (name) => {
    using folder = temporaryFolder({
      'train/b/1.png': '',
      [`${name}/a/2.JPG`]: '',
      'test/b/deep/3.webp': '',
      'train/b/notes.txt': '',
      'README.md': '',
      'readme.png': '',
    })
    const reader = await readImageFolder(folder.dir)
    expect(reader.classes).toEqual(classesNamed('a', 'b'))
    const { records, losses } = await readAll(reader)
    expect(records.map(({ path, split, annotations }) => [path, split, annotations[0]?.classId])).toEqual([
      ['test/b/deep/3.webp', 'test', 1],
      ['train/b/1.png', 'train', 1],
      [`${name}/a/2.JPG`, 'val', 0],
    ])
    expect(countLosses(losses)).toEqual({ 'file-ignored': 2, 'image-unlabelled': 1 })
  },
)

test.each([
  [
    'of all classes are splits',
    ['cat/train/1.png', 'cat/Valid/2.png', 'dog/train/3.png', 'dog/test/deep/4.png'],
    [
      ['cat', 'val'],
      ['cat', 'train'],
      ['dog', 'test'],
      ['dog', 'train'],
    ],
  ],
  [
    'of one class are not splits, where another class has other folders',
    ['cat/train/1.png', 'dog/puppies/2.png'],
    [
      ['cat', undefined],
      ['dog', undefined],
    ],
  ],
  [
    'are not needed beside images',
    ['cat/train/1.png', 'cat/2.png', 'dog/val/3.png'],
    [
      ['cat', undefined],
      ['cat', 'train'],
      ['dog', 'val'],
    ],
  ],
] as const)('folders in the folders %s', async (_what, paths, expected) => {
  using folder = temporaryFolder(Object.fromEntries(paths.map((path) => [path, plainPng(8, 8)])))
  const reader = await readImageFolder(folder.dir)
  const { records } = await readAll(reader)
  expect(records.map(({ split, annotations: [first] }) => [reader.classes[first?.classId ?? -1]?.name, split])).toEqual(
    expected,
  )
})

test.each([
  ['images/train/cat/1.png', 'images/val/dog/2.png'],
  ['images/cat/1.png', 'images/dog/2.png', 'meta/train.txt', 'meta/classes.txt'],
  ['cat/1.png', 'dog/2.png', 'annotations/deep/all.json', 'annotations/notes.md'],
])('folders that hold all classes, and folders of notes, are no classes: %s', async (...paths) => {
  using folder = temporaryFolder(Object.fromEntries(paths.map((path) => [path, plainPng(8, 8)])))
  const reader = await readImageFolder(folder.dir)
  expect(reader.classes).toEqual(classesNamed('cat', 'dog'))
  const { records, losses } = await readAll(reader)
  expect(records).toHaveLength(2)
  expect(countLosses(losses)).toEqual(paths.length === 2 ? {} : { 'file-ignored': 2 })
})

test('an empty folder, and one of images that are not loaded, are classes', async () => {
  using folder = temporaryFolder({ 'cat/1.png': '', 'heron/1.heic': '', 'notes/1.txt': '' })
  mkdirSync(join(folder.dir, 'empty'))
  expect((await readImageFolder(folder.dir)).classes).toEqual(classesNamed('cat', 'empty', 'heron'))
})

test('a class can be named test: its folder has images, not folders', async () => {
  using folder = temporaryFolder({ 'test/1.png': '', 'other/2.png': '' })
  const reader = await readImageFolder(folder.dir)
  expect(reader.classes).toEqual(classesNamed('other', 'test'))
  expect((await readAll(reader)).records.map(({ split }) => split)).toEqual([undefined, undefined])
})

test('numbers classes as Python sorts their folders, also with emoji in their names', async () => {
  using folder = temporaryFolder({ '🐈/1.png': '', 'ｆｕｌｌ/2.png': '', 'b/3.png': '', 'B/4.png': '' })
  expect((await readImageFolder(folder.dir)).classes).toEqual(classesNamed('B', 'b', 'ｆｕｌｌ', '🐈'))
})

test('writes one class for each image and counts what does not fit', async () => {
  using folder = temporaryFolder()
  const context = writeContext(folder.dir, { taskType: 'classification', classes: classesNamed('a', 'b') })
  const losses = await writeRecords(createImageFolderWriter, context, [
    imageRecord('1.png', {
      annotations: [
        { kind: 'class', classId: 0 },
        { kind: 'class', classId: 1 },
      ],
    }),
    imageRecord('2.png'),
    imageRecord('3.png', {
      annotations: [
        { kind: 'box', classId: 1, bbox: [0, 0, 5, 5] },
        { kind: 'box', classId: 1, bbox: [9, 9, 5, 5] },
      ],
    }),
  ])
  expect(countLosses(losses)).toEqual({
    'annotation-duplicate': 1,
    'box-dropped': 2,
    'extra-label-dropped': 1,
    'image-unlabelled': 1,
  })
  expect(
    context.report.build(
      { from: 'coco', to: 'imagefolder', taskType: 'classification', target: '' },
      classesNamed('a', 'b'),
    ),
  ).toMatchObject({
    images: 2,
    classes: [{ annotations: 1 }, { annotations: 1 }],
  })
})

test('names folders for every file system, and reports which class got another number', async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(2, 2) })
  const names = ['z/y', '..', 'CON', 'a.', 'Cat', 'cat', '고양이', 'x'.repeat(300)]
  const classes = classesNamed(...names)
  const target = join(folder.dir, 'out')
  const context = writeContext(target, { taskType: 'classification', classes }, { images: 'copy' })
  const records = classes.map(({ id }) => ({
    ...imageRecord(`${id}.png`, { annotations: [{ kind: 'class' as const, classId: id }] }),
    file: join(folder.dir, 'in.png'),
  }))
  const losses = countLosses(await writeRecords(createImageFolderWriter, context, records))
  const reader = await readImageFolder(target)
  expect(reader.classes.map(({ name }) => name)).toEqual([
    'Cat',
    '_CON',
    '__',
    'a_',
    'cat_2',
    expect.stringMatching(/^x{231}_[0-9a-f]{8}$/),
    'z_y',
    '고양이',
  ])
  expect(losses).toMatchObject({ 'class-renamed': 6 })
  expect(losses['class-reordered']).toBeGreaterThan(0)
  const back = await readAll(reader)
  expect(back.records).toHaveLength(8)
})

test('keeps paths, classes and splits in a round trip', async () => {
  const file = fc.record({
    name: fc.stringMatching(/^[a-z0-9가-힣]{1,6}\.png$/),
    classId: fc.nat(2),
    split: fc.constantFrom('train' as const, 'val' as const, 'test' as const),
  })
  const names = ['강아지', 'b c', 'zebra'].sort()
  using images = temporaryFolder({ 'in.png': plainPng(2, 2) })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(file, {
        minLength: 1,
        maxLength: 6,
        selector: ({ name, classId, split }) => `${split}/${classId}/${name}`,
      }),
      async (files) => {
        using folder = temporaryFolder()
        const records = files.map(({ name, classId, split }) => ({
          ...imageRecord(`${split}/${names[classId]}/${name}`, {
            split,
            annotations: [{ kind: 'class' as const, classId }],
          }),
          file: join(images.dir, 'in.png'),
        }))
        const context = writeContext(
          folder.dir,
          { taskType: 'classification', classes: classesNamed(...names) },
          { images: 'copy' },
        )
        expect(await writeRecords(createImageFolderWriter, context, records)).toEqual([])
        const reader = await readImageFolder(folder.dir)
        expect(reader.classes).toEqual(classesNamed(...names))
        const back = await readAll(reader)
        expect(back.records.map(({ path, split, annotations }) => ({ path, split, annotations }))).toEqual(
          records
            .map(({ path, split, annotations }) => ({ path, split, annotations }))
            .sort((a, b) => (a.path < b.path ? -1 : 1)),
        )
      },
    ),
    { numRuns: 30 },
  )
})
