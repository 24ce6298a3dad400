import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { expect, test } from 'vitest'
import { decodeMask, rasterizeRing } from '../../geometry/rle.ts'
import { decodePng } from '../../images/decode-png.ts'
import { encodePng } from '../../images/encode-png.ts'
import { detectFormat } from '../../open/detect-format.ts'
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
import { devkitColour, devkitPalette } from './colour-map.ts'
import { readVoc } from './read.ts'
import { createVocWriter } from './write.ts'

const palette = devkitPalette()

/** A mask drawn as text: a digit is a number, `v` the border. */
function mask(...rows: string[]): Buffer {
  const data = Uint8Array.from(rows.join(''), (letter) => (letter === 'v' ? 255 : Number(letter)))
  return encodePng({ width: rows[0]?.length ?? 0, height: rows.length, channels: 1, data, palette })
}

function xml(...objects: [name: string, ...box: number[]][]): string {
  const texts = objects.map(
    ([name, ...box]) =>
      `<object><name>${name}</name><difficult>1</difficult><bndbox>${['xmin', 'ymin', 'xmax', 'ymax'].map((side, at) => `<${side}>${box[at]}</${side}>`).join('')}</bndbox></object>`,
  )
  return `<annotation><filename>1.jpg</filename><size><width>6</width><height>4</height></size>${texts.join('')}</annotation>`
}

const CLASS_ROWS = ['8888v0', '8008v0', '8888v0', 'vvvv99'] as const
const OBJECT_ROWS = ['1111v0', '1001v0', '1111v0', 'vvvv22'] as const

function pixels({ rle }: Annotation): string {
  const { width, data } = decodeMask(rle ?? { width: 1, height: 1, counts: [1] })
  return [...data].map((value, at) => (at > 0 && at % width === 0 ? `/${value}` : value)).join('')
}

test('the colours are those of the devkit', () => {
  const colours = [0, 1, 2, 3, 4, 7, 8, 15, 20, 255].map((index) => devkitColour(index).toString(16).padStart(6, '0'))
  expect(colours.join(' ')).toBe('000000 800000 008000 808000 000080 808080 400000 c08080 004080 e0e0c0')
})

test('reads the devkit: a number in the object mask is the position of the object in the XML', async () => {
  using folder = temporaryFolder({
    'VOC2012/Annotations/1.xml': xml(['cat', 0, 0, 4, 3], ['chair', 4, 3, 6, 4]),
    'VOC2012/SegmentationClass/1.png': mask(...CLASS_ROWS),
    'VOC2012/SegmentationObject/1.png': mask(...OBJECT_ROWS),
    'VOC2012/JPEGImages/1.jpg': '',
    'VOC2012/ImageSets/Segmentation/val.txt': '1\n',
    'VOC2012/ImageSets/Main/train.txt': '1\n',
  })
  const reader = await readVoc(folder.dir)
  const { records, losses } = await readAll(reader)
  expect(losses).toEqual([])
  expect(reader.taskType).toBe('segmentation')
  expect(reader.classes).toHaveLength(20)
  const [record] = records
  expect(record).toMatchObject({ path: 'VOC2012/JPEGImages/1.jpg', width: 6, height: 4, split: 'val' })
  expect(
    record?.annotations.map(({ classId, kind, bbox, area, attributes }) => [kind, classId, bbox, area, attributes]),
  ).toEqual([
    ['mask', 7, [0, 0, 4, 3], 10, { difficult: true }],
    ['mask', 8, [4, 3, 2, 1], 2, { difficult: true }],
  ])
  expect(record?.annotations.map(pixels)).toEqual(['111100/100100/111100/000000', '000000/000000/000000/000011'])
  // Polygons cannot have holes.
  expect(record?.annotations.map(({ polygons }) => polygons)).toEqual([undefined, [[4, 3, 6, 3, 6, 4, 4, 4]]])
  const boxes = await readAll(await readVoc(folder.dir, { task: 'detection', outlines: false }))
  expect(boxes.records[0]).toMatchObject({ split: 'train', annotations: [{ kind: 'box' }, { kind: 'box' }] })
  expect(countLosses(boxes.losses)).toEqual({ 'mask-dropped': 1 })
})

test('reads colours instead of numbers, as Datumaro and CVAT write them, without XML', async () => {
  const paint = (rows: readonly string[], colours: Record<string, number[]>) =>
    Buffer.from(
      encode({
        width: 6,
        height: 4,
        channels: 3,
        depth: 8,
        data: Uint8Array.from(
          rows
            .join('')
            .split('')
            .flatMap((letter) => colours[letter] ?? [0, 0, 0]),
        ),
      }),
    )
  const [first, second, border] = [
    [128, 0, 0],
    [0, 128, 0],
    [224, 224, 192],
  ]
  using folder = temporaryFolder({
    'labelmap.txt': '# label:color_rgb:parts:actions\nbackground:0,0,0::\ntable:250,50,83::\ncup:1,2,3::\n',
    'SegmentationClass/1.png': paint(CLASS_ROWS, { 8: [1, 2, 3], 9: [250, 50, 83], v: border }),
    'SegmentationObject/1.png': paint(OBJECT_ROWS, { 1: first, 2: second, v: border }),
    'SegmentationClass/2.png': paint(CLASS_ROWS, { 8: [9, 9, 9], 9: [1, 2, 3], v: border }),
    'ImageSets/Segmentation/default.txt': '1\n2\n',
  })
  expect(await detectFormat(folder.dir)).toMatchObject({ format: 'voc' })
  const reader = await readVoc(folder.dir)
  expect(reader.classes.map(({ name }) => name)).toEqual(['table', 'cup'])
  const { records, losses } = await readAll(reader)
  expect(
    records.map(({ path, annotations }) => [path, annotations.map(({ classId, area }) => [classId, area])]),
  ).toEqual([
    [
      'JPEGImages/1.jpg',
      [
        [1, 10],
        [0, 2],
      ],
    ],
    ['JPEGImages/2.jpg', [[1, 2]]],
  ])
  expect(losses).toEqual([
    { reason: 'annotation-of-unknown-class', count: 1, examples: ['SegmentationClass/2.png: colour 090909'] },
  ])
})

test('without a list, the class of an object comes from the XML', async () => {
  using folder = temporaryFolder({
    'Annotations/1.xml': xml(['mug', 0, 0, 4, 3], ['spoon', 4, 3, 6, 4], ['mug', 5, 0, 6, 1]),
    'SegmentationObject/1.png': mask(...OBJECT_ROWS),
    'SegmentationClass/1.png': mask(...CLASS_ROWS),
  })
  const reader = await readVoc(folder.dir)
  const { records, losses } = await readAll(reader)
  expect(reader.classes.map(({ name }) => name)).toEqual(['mug', 'spoon'])
  // Objects that are not in the mask are kept.
  expect(records[0]?.annotations.map(({ kind, classId }) => [kind, classId])).toEqual([
    ['mask', 0],
    ['mask', 1],
    ['box', 0],
  ])
  expect(losses).toEqual([])
})

const png = mask(...OBJECT_ROWS)
const hostile: [string, Uint8Array, string, RegExp][] = [
  ['of another size', mask('12', '34'), 'mask-size-mismatch', /is 2 × 2; expected 6 × 4, as its image/],
  ['cut off', png.subarray(0, png.length - 30), 'label-file-invalid', /is damaged/],
  ['empty', new Uint8Array(), 'label-file-invalid', /it is not a PNG/],
  [
    'of 16 bits',
    Buffer.from(encode({ width: 6, height: 4, channels: 1, depth: 16, data: new Uint16Array(24) })),
    'label-file-invalid',
    /1 channel of 16 bits/,
  ],
  [
    'grey with alpha',
    Buffer.from(encode({ width: 6, height: 4, channels: 2, depth: 8, data: new Uint8Array(48) })),
    'label-file-invalid',
    /2 channels/,
  ],
]

test.each(hostile)('a mask %s is counted, and its image is left out', async (_, bytes, reason, message) => {
  using folder = temporaryFolder({
    'Annotations/1.xml': xml(['cat', 0, 0, 4, 3]),
    'SegmentationClass/1.png': mask(...CLASS_ROWS),
    'SegmentationObject/1.png': bytes,
    'SegmentationClass/2.png': mask('01', '00'),
  })
  const { records, losses } = await readAll(await readVoc(folder.dir))
  expect(records.map(({ path }) => path)).toEqual(['JPEGImages/2.jpg'])
  expect(losses).toMatchObject([{ reason, count: 1 }])
  expect(losses[0]?.examples[0]).toMatch(message)
})

const ring = [2, 2, 12, 2, 12, 9, 2, 9]
const inner = [4, 4, 8, 4, 8, 7, 4, 7]

function segmented(folder: string, annotations: Annotation[], rest: Partial<ImageRecord> = {}) {
  const dataset = { taskType: 'segmentation' as const, classes: classesNamed('고양이', 'a:b', 'background') }
  const context = writeContext(folder, dataset)
  return writeRecords(createVocWriter, context, [
    imageRecord('1.png', { width: 20, height: 12, annotations, split: 'val', ...rest }),
  ])
}

test('writes indexed masks, a label map and lists, with the smaller of two objects on top', async () => {
  using folder = temporaryFolder()
  const losses = await segmented(folder.dir, [
    { kind: 'polygon', classId: 1, polygons: [inner] },
    { kind: 'polygon', classId: 0, polygons: [ring], attributes: { pose: 'Left' } },
    { kind: 'polygon', classId: 2, polygons: [inner], area: 7 },
  ])
  expect(countLosses(losses)).toMatchObject({
    'overlap-flattened': 2,
    'mask-from-polygon': 3,
    'area-dropped': 1,
    'class-renamed': 2,
  })
  const text = (path: string) => readFileSync(join(folder.dir, path), 'utf8')
  expect(text('labelmap.txt')).toBe(
    '# label:color_rgb:parts:actions\nbackground:0,0,0::\n고양이:128,0,0::\na_b:0,128,0::\nclass_background:128,128,0::\n',
  )
  expect(text('ImageSets/Segmentation/val.txt')).toBe('1\n')
  expect(text('Annotations/1.xml')).toContain('<segmented>1</segmented>')
  const read = (path: string) => decodePng(readFileSync(join(folder.dir, path)), path)
  const classMask = read('SegmentationClass/1.png')
  expect(classMask).toMatchObject({ width: 20, height: 12, channels: 1, depth: 8 })
  expect([...(classMask.palette ?? [])].slice(0, 9)).toEqual([0, 0, 0, 128, 0, 0, 0, 128, 0])
  const row = (path: string) => [...read(path).samples.subarray(5 * 20, 6 * 20)].join('')
  // The first of the two equal objects is covered and has no number, so it is removed from the XML too.
  expect(row('SegmentationClass/1.png')).toBe('00113333111100000000')
  expect(row('SegmentationObject/1.png')).toBe('00112222111100000000')
  expect(text('Annotations/1.xml').match(/<name>[^<]*/g)).toEqual(['<name>고양이', '<name>class_background'])
  const again = temporaryFolder()
  await segmented(again.dir, [
    { kind: 'polygon', classId: 1, polygons: [inner] },
    { kind: 'polygon', classId: 0, polygons: [ring] },
    { kind: 'polygon', classId: 2, polygons: [inner] },
  ])
  expect(readFileSync(join(again.dir, 'SegmentationObject/1.png'))).toEqual(
    readFileSync(join(folder.dir, 'SegmentationObject/1.png')),
  )
  again[Symbol.dispose]()
})

test('masks keep every pixel in a round trip, and a second round trip gives the same bytes without losses', async () => {
  using folder = temporaryFolder({ 'a/LICENSE': '', 'b/LICENSE': '' })
  const [a, b] = [join(folder.dir, 'a'), join(folder.dir, 'b')]
  const hole = rasterizeRing([0, 0, 9, 0, 9, 9, 0, 9], 20, 12)
  await segmented(a, [
    { kind: 'mask', classId: 0, rle: hole },
    { kind: 'polygon', classId: 2, polygons: [inner, [14, 1, 18, 1, 18, 5, 14, 5]] },
    { kind: 'polygon', classId: 1, polygons: [[10, 7, 19, 7, 19, 11]] },
  ])
  const first = await readAll(await readVoc(a))
  expect(first.losses).toEqual([])
  const reader = await readVoc(a)
  const losses = await writeRecords(
    createVocWriter,
    writeContext(b, { taskType: reader.taskType, classes: reader.classes }),
    first.records.map((record) => ({ ...record, path: '1.png' })),
  )
  expect(losses).toEqual([])
  for (const path of ['SegmentationClass/1.png', 'SegmentationObject/1.png', 'Annotations/1.xml', 'labelmap.txt'])
    expect(readFileSync(join(b, path)), path).toEqual(readFileSync(join(a, path)))
  expect(first.records[0]?.annotations.map(({ classId, polygons }) => [classId, polygons?.length])).toEqual([
    [0, undefined],
    [2, 2],
    [1, 1],
  ])
})

test('objects beyond 254 are void, not background', async () => {
  using folder = temporaryFolder()
  const annotations = Array.from(
    { length: 260 },
    (_, at): Annotation => ({ kind: 'box', classId: 0, bbox: [at % 20, Math.floor(at / 20), 1, 1] }),
  )
  const losses = await segmented(folder.dir, annotations, { height: 13 })
  expect(countLosses(losses)).toMatchObject({ 'object-beyond-limit': 6, 'polygon-from-box': 260 })
  const { samples } = decodePng(readFileSync(join(folder.dir, 'SegmentationClass/1.png')), '1.png')
  expect([...samples].filter((value) => value === 255)).toHaveLength(6)
  const { records } = await readAll(await readVoc(folder.dir))
  expect(records[0]?.annotations).toHaveLength(254)
})

test('an image of another size than its masks is counted, also without a size in the XML', async () => {
  using folder = temporaryFolder({
    'SegmentationClass/1.png': mask('01', '00'),
    'SegmentationClass/2.png': mask('01', '00'),
  })
  writeFileSync(join(folder.dir, '1.png'), '')
  folder.write('JPEGImages/1.png', plainPng(3, 2))
  const { records, losses } = await readAll(await readVoc(folder.dir))
  expect(records).toHaveLength(1)
  expect(countLosses(losses)).toMatchObject({ 'mask-size-mismatch': 1 })
})
