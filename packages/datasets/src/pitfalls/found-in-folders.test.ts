import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { locateDataset } from '../open/detect-format.ts'
import { openDataset } from '../open/open-dataset.ts'
import { coco, convert, createDir, createFiles, image } from '../testing/coco-dataset.ts'
import { createPng } from '../testing/test-dataset.ts'
import { validateDataset } from '../validate/validate-dataset.ts'

const png = createPng(100, 50)
const row = (id: number) => `${id} 0.5 0.5 0.2 0.2\n`
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const xml = (name: string, file = '') =>
  `<annotation><filename>${file}</filename><size><width>100</width><height>50</height></size><object><name>${name}</name>` +
  '<bndbox><xmin>10</xmin><ymin>10</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>'

/** The names of the classes, and the reasons of the losses that reading caused. */
async function readTo(files: Record<string, unknown>, to: 'coco' | 'yolo' | 'dice' = 'coco') {
  const { report, count } = await convert(createFiles(files), to)
  return { report, count, names: report.classes.map(({ name }) => name) }
}

async function findings(files: Record<string, unknown>): Promise<string[]> {
  const { dir } = await locateDataset(createFiles(files))
  const report = await validateDataset(await openDataset(dir), { dir, pixels: false })
  return report.findings.flatMap(({ examples }) => examples)
}

describe('class names of YOLO', () => {
  const labelled = { 'images/train/a.png': png, 'labels/train/a.txt': row(1) }

  it.each([
    'labels/train/classes.txt',
    'labels/classes.txt',
    'images/train/classes.txt',
    'train/_darknet.labels',
    'data/obj.names',
    'voc.names',
  ])('are read from %s', async (path) => {
    const { names, count } = await readTo({ ...labelled, [path]: 'dog\nperson\n' })
    expect(names).toEqual(['dog', 'person'])
    expect(count('class-name-invented')).toBe(0)
  })

  it('of two lists come from the longer one when it goes on where the other one ends', async () => {
    const lists = { 'labels/train/classes.txt': 'dog\nperson\n', 'labels/val/classes.txt': 'dog\nperson\ncar\n' }
    expect((await readTo({ ...labelled, ...lists })).names).toEqual(['dog', 'person', 'car'])
  })

  it('are refused when two lists number them differently', async () => {
    const lists = { 'labels/train/classes.txt': 'dog\nperson\n', 'labels/val/classes.txt': 'person\ndog\n' }
    await expect(readTo({ ...labelled, ...lists })).rejects.toThrow(
      'labels/train/classes.txt and labels/val/classes.txt number the classes differently: class 0 is "dog" and "person"',
    )
  })

  it.each([
    ['no list', {}],
    ['a data.yaml with a count only', { 'data.yaml': 'train: images/train\nnc: 2\n' }],
  ])('are invented, counted and found with %s', async (_what, files) => {
    const { names, count } = await readTo({ ...labelled, ...files })
    expect(names).toEqual(['class_0', 'class_1'])
    expect(count('class-name-invented')).toBe(2)
    expect((await findings({ ...labelled, ...files })).join()).toContain('no list of class names')
  })

  it('keep their number after an empty line', async () => {
    const files = { 'images/a.png': png, 'labels/a.txt': row(2), 'classes.txt': 'dog\n\nperson\ncar\n\n' }
    const { report, names, count } = await readTo(files)
    expect(names).toEqual(['dog', 'class_1', 'person', 'car'])
    expect(report.classes[2]?.annotations).toBe(1)
    expect(count('class-name-invented')).toBe(1)
  })

  it('can be UTF-16, and bytes that are not text are refused by name', async () => {
    expect((await readTo({ ...labelled, 'classes.txt': utf16('dog\r\nperson\r\n') })).names).toEqual(['dog', 'person'])
    const korean = Buffer.from([0xb0, 0xad, 0xbe, 0xc6, 0x0a])
    await expect(readTo({ ...labelled, 'classes.txt': korean })).rejects.toThrow('"classes.txt" is not UTF-8 text')
  })

  it('and labels can be UTF-16', async () => {
    const files = { 'images/a.png': png, 'labels/a.txt': utf16(row(0)), 'classes.txt': 'dog\n' }
    expect((await readTo(files)).report.annotations).toBe(1)
  })

  it('in two YAML files are refused with both names', async () => {
    const yaml = (name: string) => `train: images/train\nval: images/train\nnames: [${name}, b]\n`
    const files = { ...labelled, 'a.yaml': yaml('dog'), 'b.yaml': yaml('cat') }
    await expect(readTo(files)).rejects.toThrow('several YAML files that list classes and images: a.yaml, b.yaml')
    expect((await readTo({ ...files, 'data.yaml': yaml('cow') })).names).toEqual(['cow', 'b'])
  })
})

describe('the folder of a dataset', () => {
  const yolo = {
    'images/train/a.png': png,
    'labels/train/a.txt': row(0),
    'data.yaml': 'train: images/train\nval: images/train\nnames: [apple]\n',
  }
  const below = (folder: string, files: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]))

  it.each(['fruit', 'my data/fruit v2'])('is entered when it is the only one: %s', async (folder) => {
    const files = { ...below(folder, yolo), 'README.txt': 'Fruit', '__MACOSX/._x': '' }
    expect((await readTo(files)).names).toEqual(['apple'])
  })

  it('is entered for folders of classes', async () => {
    const files = below('fruit', { 'train/apple/1.png': png, 'val/pear/2.png': png })
    const { report, names } = await readTo(files, 'dice')
    expect(names).toEqual(['apple', 'pear'])
    expect([report.splits.train.images, report.splits.val.images]).toEqual([1, 1])
  })

  it('is not entered when it is the only class', async () => {
    expect((await readTo({ 'apple/1.png': png }, 'dice')).names).toEqual(['apple'])
  })

  it('is named by whatever reads it in place', async () => {
    const dir = createFiles(below('fruit', { 'train/apple/1.png': png, 'val/pear/2.png': png }))
    await expect(openDataset(dir)).rejects.toThrow('only the folder "fruit", which holds the dataset: give that folder')
  })
})

describe('folders of splits and of tools', () => {
  it.each([
    ['Train', 'Test'],
    ['TRAIN', 'TEST'],
    ['Training', 'Testing'],
    ['training', 'test'],
  ])('%s and %s are splits', async (train, test) => {
    const files = { [`${train}/apple/1.png`]: png, [`${train}/pear/2.png`]: png, [`${test}/apple/3.png`]: png }
    const { report, names } = await readTo(files, 'dice')
    expect(names).toEqual(['apple', 'pear'])
    expect([report.splits.train.images, report.splits.test.images]).toEqual([2, 1])
  })

  it.each(['validation', 'Val', 'dev', 'eval'])('%s is val', async (val) => {
    const { report } = await readTo({ 'train/apple/1.png': png, [`${val}/apple/2.png`]: png }, 'dice')
    expect(report.splits.val.images).toBe(1)
  })

  it.each(['__MACOSX', '@eaDir', 'lost+found', '$RECYCLE.BIN', '.ipynb_checkpoints', 'System Volume Information'])(
    '%s is no class, and is counted',
    async (folder) => {
      const files = { 'apple/1.png': png, [`${folder}/x/2.png`]: png, [`apple/${folder}/3.png`]: png }
      const { report, names, count } = await readTo(files, 'dice')
      expect(names).toEqual(['apple'])
      expect(report.images).toBe(1)
      expect(count('folder-ignored')).toBe(2)
    },
  )

  it('count every file in a class folder that is not read', async () => {
    const others = ['2.jfif', '3.ppm', '4.avif', '5.heic', '6.pgm', '7'].map((name) => [`apple/${name}`, png] as const)
    const files = { 'apple/1.png': png, ...Object.fromEntries(others), 'apple/notes.txt': 'ripe' }
    const { report, count } = await readTo(files, 'dice')
    expect(report.images).toBe(1)
    expect(count('image-not-loadable')).toBe(6)
    expect(count('file-ignored')).toBe(1)
  })
})

describe('datasets of other kinds', () => {
  it.each<[string, Record<string, unknown>]>([
    ['WebDataset', { 'shard-000000.tar': 'x' }],
    ['TFRecord', { 'train.tfrecord-00000-of-00001': 'x' }],
    ['Parquet', { 'data/train-00000-of-00001.parquet': 'x' }],
    ['MOT Challenge', { 'MOT17-02/seqinfo.ini': '[Sequence]', 'MOT17-02/gt/gt.txt': '1,1,912,484,97,109,0,7,1\n' }],
    ['Cityscapes', { 'gtFine/train/a/a_000001_000019_gtFine_labelIds.png': png }],
    ['VGG Image Annotator 3', { 'via.json': { project: { vid_list: ['1'] }, file: {}, metadata: {} } }],
    ['Label Studio CSV', { 'export.csv': 'image,id,label,annotator,annotation_id\na.png,1,[],1,1\n' }],
  ])('are named: %s', async (name, files) => {
    await expect(readTo(files, 'dice')).rejects.toThrow(new RegExp(`it looks like ${name}.*is not read`))
  })
})

describe('files beside and inside COCO', () => {
  const bbox = [10, 10, 20, 20]
  const ids = (...names: string[]) => names.map((name, index) => image(index + 1, { file_name: `${name}.png` }))

  it('that are about something else are passed over and counted', async () => {
    const { report, count } = await readTo({
      'instances_train.json': coco([{ bbox }]),
      'class_map.json': { 0: 'cat' },
      'results.json': [{ image_id: 1, category_id: 1, bbox, score: 0.5 }],
    })
    expect(report.images).toBe(1)
    expect(count('file-ignored')).toBe(2)
  })

  it('that describe an image again leave it in the split that has it', async () => {
    const files = {
      'images/a.png': png,
      'images/b.png': png,
      'annotations/instances_all.json': coco([{ bbox }, { bbox, image_id: 2 }], { images: ids('a', 'b') }),
      'annotations/instances_train.json': coco([{ bbox }], { images: ids('a') }),
      'annotations/instances_val.json': coco([{ bbox }], { images: ids('b') }),
    }
    const { report, count } = await readTo(files, 'yolo')
    expect(report.splits).toMatchObject({ train: { images: 1 }, val: { images: 1 }, test: { images: 0 } })
    expect(count('image-duplicate')).toBe(2)
    await expect(convert(createFiles(files), 'yolo', { strict: true })).rejects.toThrow('image-duplicate')
  })

  it('that name one file in train and in val keep it out of train', async () => {
    const files = {
      'images/a.png': png,
      'annotations/instances_train.json': coco([{ bbox }], { images: ids('a') }),
      'annotations/instances_val.json': coco([{ bbox }], { images: ids('a') }),
    }
    const { report, count } = await readTo(files)
    expect([report.splits.train.images, report.splits.val.images]).toEqual([0, 1])
    expect(count('image-in-several-splits')).toBe(1)
  })

  it.each([
    '../../label-studio/data/media/upload/3/x.png',
    '/home/me/project/images/x.png',
    'C:\\data\\images\\x.png',
    'images/7/x.png',
  ])('with the path %s find the one image whose path ends like it', async (fileName) => {
    const images = [image(1, { file_name: fileName })]
    const files = { 'images/x.png': png, 'images/y.png': png, 'result.json': coco([{ bbox }], { images }) }
    const { report, count } = await readTo(files)
    expect(report.images).toBe(1)
    expect([count('image-path-guessed'), count('image-missing-file')]).toEqual([1, 0])
  })

  it('never find an image when two paths end alike, nor outside of the dataset', async () => {
    const images = [image(1, { file_name: '../x.png' }), image(2, { file_name: '../../secret.png' })]
    const files = { 'a/x.png': png, 'b/x.png': png, 'result.json': coco([{ bbox }, { bbox }], { images }) }
    await expect(readTo(files)).rejects.toThrow('image-unsafe-path')
  })

  it('with coco_url instead of file_name are read, as those of LVIS', async () => {
    const images = [{ id: 1, width: 100, height: 50, coco_url: 'http://images.cocodataset.org/val2017/1.png' }]
    const files = { 'val2017/1.png': png, 'annotations/lvis_v1_val.json': coco([{ bbox }], { images }) }
    const { report, count } = await readTo(files)
    expect([report.splits.val.images, count('image-missing-file')]).toEqual([1, 0])
  })
})

describe('geometry that tools write in their own way', () => {
  const read = async (annotation: object, to: 'coco' | 'yolo', options = {}) => {
    const { text, json, report, count } = await convert(
      createFiles({ 'instances_train.json': coco([annotation]) }),
      to,
      options,
    )
    return { text, json, report, count }
  }

  it('a rotated rectangle of CVAT is an oriented box, and its upright box for detection', async () => {
    const rotated = { bbox: [30, 20, 40, 10], attributes: { rotation: 90, occluded: false } }
    const obb = await read(rotated, 'yolo')
    expect(obb.report.taskType).toBe('obb')
    expect(obb.text('labels/train/1.txt')).toBe('0 0.45 0.1 0.55 0.1 0.55 0.9 0.45 0.9\n')
    const boxes = await read(rotated, 'yolo', { task: 'detection' })
    expect(boxes.text('labels/train/1.txt')).toBe('0 0.5 0.5 0.1 0.8\n')
    expect(boxes.count('rotation-dropped')).toBe(1)
    const again = await read(rotated, 'coco')
    expect(again.json('annotations/instances_train.json')).toMatchObject({ annotations: [rotated] })
  })

  it('a ring without the list around it is one ring', async () => {
    const ring = [10, 10, 30, 10, 30, 40, 10, 40]
    const { json, report } = await read({ bbox: [10, 10, 20, 30], segmentation: ring }, 'coco')
    expect(json('annotations/instances_train.json')).toMatchObject({ annotations: [{ segmentation: [ring] }] })
    expect(report.losses).toEqual([])
  })

  it('numbers as text are numbers', async () => {
    const { json } = await read({ bbox: ['10', '10', '20', '30.5'] }, 'coco')
    expect(json('annotations/instances_train.json')).toMatchObject({ annotations: [{ bbox: [10, 10, 20, 30.5] }] })
  })

  it('a bow tie is the pixels that it fills', async () => {
    const bowTie = { bbox: [10, 5, 40, 40], segmentation: [[10, 5, 50, 45, 50, 5, 10, 45]], area: undefined }
    const { json, count } = await read(bowTie, 'coco')
    expect(json('annotations/instances_train.json')).toMatchObject({
      annotations: [{ segmentation: bowTie.segmentation, area: 800 }],
    })
    const yolo = await read(bowTie, 'yolo')
    expect(yolo.text('labels/train/1.txt').split(' ')).toHaveLength(9)
    expect([count('polygon-degenerate'), yolo.count('polygon-degenerate')]).toEqual([0, 0])
  })

  it('a skeleton that counts from 0 keeps its edges', async () => {
    const categories = [
      {
        id: 1,
        name: 'hand',
        keypoints: ['a', 'b', 'c'],
        skeleton: [
          [0, 1],
          [1, 2],
        ],
      },
    ]
    const keypoints = [12, 12, 2, 20, 20, 2, 25, 30, 2]
    const source = createFiles({
      'person_keypoints_train.json': coco([{ bbox: [10, 10, 20, 30], keypoints }], { categories }),
    })
    const { json, count } = await convert(source, 'coco')
    expect(json('annotations/person_keypoints_train.json')).toMatchObject({
      categories: [
        {
          skeleton: [
            [1, 2],
            [2, 3],
          ],
        },
      ],
    })
    expect(count('skeleton-renumbered')).toBe(1)
  })
})

describe('lists and files of Pascal VOC', () => {
  const devkit = (lists: Record<string, unknown>) => ({
    'JPEGImages/a.png': png,
    'JPEGImages/b.png': png,
    'Annotations/a.xml': xml('cat', 'a.png'),
    'Annotations/b.xml': xml('cat', 'b.png'),
    ...Object.fromEntries(Object.entries(lists).map(([name, text]) => [`ImageSets/Main/${name}.txt`, text])),
  })

  it.each<[string, Record<string, unknown>]>([
    ['suffixes', { train: 'a.png\n', test: 'b.xml\n' }],
    ['flags', { train: 'a  1\n', test: 'b -1\n' }],
    ['UTF-16', { train: utf16('a\r\n'), test: utf16('b\r\n') }],
  ])('give splits with %s', async (_what, lists) => {
    const { report, count } = await readTo(devkit(lists))
    expect([report.splits.train.images, report.splits.test.images]).toEqual([1, 1])
    expect(count('list-line-unmatched')).toBe(0)
  })

  it('count and find the lines that name no image', async () => {
    const files = devkit({ train: 'a\nghost\n', val: 'b\n' })
    expect((await readTo(files)).count('list-line-unmatched')).toBe(1)
    expect((await findings(files)).join()).toContain('ImageSets/Main/train.txt: ghost')
  })

  it('cost their own image when they are damaged', async () => {
    const { report, count } = await readTo({ ...devkit({}), 'Annotations/a.xml': '<annotation><object>' })
    expect(report.images).toBe(1)
    expect(count('label-file-invalid')).toBe(1)
    await expect(readTo({ 'Annotations/a.xml': '<annotation><object>', 'JPEGImages/a.png': png })).rejects.toThrow(
      'a.xml',
    )
  })

  it('belong to the image of their whole name', async () => {
    const files = {
      'JPEGImages/clip.png': png,
      'Annotations/clip.xml': xml('dog'),
      'Annotations/clip.001.xml': xml('cat', 'clip.001.jpg'),
    }
    const { report, count } = await readTo(files)
    expect(count('image-duplicate')).toBe(0)
    expect(report.classes).toMatchObject([{ name: 'cat' }, { name: 'dog', annotations: 1 }])
  })
})

describe('files of LabelMe', () => {
  const file = (shapes: object[], more: object = {}) => ({
    shapes,
    imagePath: 'a.png',
    imageWidth: 100,
    imageHeight: 50,
    ...more,
  })
  const box = (label: unknown, group: unknown) => ({
    label,
    group_id: group,
    shape_type: 'rectangle',
    points: [
      [1, 1],
      [9, 9],
    ],
  })
  const ring = (label: string, group: unknown, left: number) => ({
    label,
    group_id: group,
    shape_type: 'polygon',
    points: [
      [left, 0],
      [left + 10, 0],
      [left + 10, 10],
    ],
  })

  it('cost their own image when they are damaged', async () => {
    const files = {
      'a.png': png,
      'a.json': '{"shapes": [',
      'b.png': png,
      'b.json': file([box('cow', null)], { imagePath: 'b.png' }),
    }
    const { report, count } = await readTo(files)
    expect([report.images, count('label-file-invalid'), count('image-unlabelled')]).toEqual([1, 1, 0])
  })

  it('have labels that are numbers, and groups that are text', async () => {
    const { names } = await readTo({ 'a.png': png, 'a.json': file([box(3, 'left'), box('cow', 'left')]) })
    expect(names).toEqual(['3', 'cow'])
  })

  it('keep the group of rectangles, and count it where it cannot be kept', async () => {
    const source = createFiles({
      'a.png': png,
      'a.json': file([
        box('cow', 7),
        {
          ...box('cow', 7),
          points: [
            [20, 1],
            [30, 9],
          ],
        },
      ]),
    })
    const again = await convert(source, 'labelme')
    expect(again.report.annotations).toBe(2)
    expect(again.json('a.json')).toMatchObject({ shapes: [{ group_id: 7 }, { group_id: 7 }] })
    expect((await convert(source, 'yolo')).count('annotation-attributes-dropped')).toBe(2)
  })

  it('join the outlines of a group to one object, and keep its number', async () => {
    const circle = {
      label: 'cow',
      group_id: 7,
      shape_type: 'circle',
      points: [
        [60, 20],
        [65, 20],
      ],
    }
    const source = createFiles({ 'a.png': png, 'a.json': file([ring('cow', 7, 0), ring('cow', 7, 20), circle]) })
    const { report, json } = await convert(source, 'labelme')
    expect(report.annotations).toBe(1)
    expect(json<{ shapes: { group_id: number }[] }>('a.json').shapes.map((shape) => shape.group_id)).toEqual([7, 7, 7])
  })
})

it('what DICE writes is what DICE reads, also for folders that begin like a drive', async () => {
  const source = createFiles({ 'a: b/0.png': png, 'c/0.png': png })
  const { dir, count } = await convert(source, 'dice', { images: 'copy' })
  expect(count('image-renamed')).toBe(1)
  expect((await convert(dir, 'imagefolder')).report.classes.map(({ name }) => name)).toEqual(['a: b', 'c'])
})

it('sides as stored before an EXIF rotation are an error with both sizes', async () => {
  // A JPEG of 80 × 40 with orientation 6: SOI, APP1 with one TIFF entry, SOF0.
  const exif = Buffer.from('4d4d002a0000000800010112000300000001000600000000' + '0000', 'hex')
  const app1 = Buffer.concat([Buffer.from('Exif\0\0'), exif])
  const size = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 40, 0, 80, 1, 1, 0x11, 0])
  const jpeg = Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, app1.length + 2]),
    app1,
    size,
    Buffer.from([0xff, 0xd9]),
  ])
  const images = [image(1, { width: 80, height: 40 })]
  const source = createFiles({ '1.jpg': jpeg, 'instances_train.json': coco([{ bbox: [0, 0, 20, 40] }], { images }) })
  await expect(convert(source, 'yolo', { images: 'copy' })).rejects.toThrow(
    /is 40 × 80 pixels, but the dataset says 80 × 40, its sides before the EXIF orientation 6/,
  )
})

it('a result that was edited is written again', async () => {
  const source = createFiles({ 'instances_train.json': coco([{ bbox: [10, 10, 20, 20] }]) })
  const target = join(createDir(), 'out')
  await convert(source, 'yolo', { target })
  expect((await convert(source, 'yolo', { target })).report.isUnchanged).toBe(true)
  const label = join(target, 'labels/train/1.txt')
  const text = readFileSync(label, 'utf8')
  // The same number of bytes, another date.
  writeFileSync(label, text.replace('0 ', '1 '))
  utimesSync(label, 0, 0)
  expect((await convert(source, 'yolo', { target })).report.isUnchanged).toBe(false)
  expect(readFileSync(label, 'utf8')).toBe(text)
})
