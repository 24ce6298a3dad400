import type { TargetFormat } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import { LossError } from '../errors.ts'
import { coco, convert, createFiles, image } from '../testing/coco-dataset.ts'
import { createPng } from '../testing/test-dataset.ts'

const png = createPng(100, 50)
const bbox = [10, 10, 20, 20]
const twoImages = [image(1, { file_name: '1.png' }), image(2, { file_name: '2.png' })]
const twoObjects = [{ bbox }, { bbox, image_id: 2 }]
const pixels = { '1.png': png, '2.png': png }
const korean = Buffer.from([0xb0, 0xad, 0xbe, 0xc6, 0x0a])
const inCoco = (entries: { images?: unknown[]; annotations?: unknown[]; categories?: unknown[] }) => {
  const file = coco(twoObjects, { images: twoImages })
  return {
    ...pixels,
    'a.json': {
      ...file,
      images: [...(entries.images ?? []), ...file.images],
      annotations: [...(entries.annotations ?? []), ...file.annotations],
      categories: [...file.categories, ...(entries.categories ?? [])],
    },
  }
}
const diceObject = { class_id: 0, bbox, bbox_format: 'xywh' }
const diceImage = (id: number, more: object = {}) => ({
  id,
  file_name: `${id}.png`,
  width: 100,
  height: 50,
  annotations: [diceObject],
  ...more,
})
const inDice = (...images: unknown[]) => ({
  ...pixels,
  '3.png': png,
  'annotations.json': {
    format_version: '1.0',
    task_type: 'object_detection',
    classes: [{ id: 0, name: 'cat' }],
    images: [...images, diceImage(1), diceImage(2)],
  },
})
const inFlatDice = (annotation: unknown) => ({
  ...pixels,
  'annotations.json': {
    format_version: '1.0',
    task_type: 'object_detection',
    categories: [{ id: 0, name: 'cat' }],
    images: [1, 2].map((id) => diceImage(id, { annotations: undefined })),
    annotations: [annotation, { ...diceObject, image_id: 1 }, { ...diceObject, image_id: 2 }],
  },
})
const inYolo = (label: string | Buffer) => ({
  'images/1.png': png,
  'images/2.png': png,
  'images/3.png': png,
  'labels/1.txt': '0 0.5 0.5 0.2 0.2\n',
  'labels/2.txt': '0 0.5 0.5 0.2 0.2\n',
  'labels/3.txt': label,
  'classes.txt': 'cat\n',
})
const viaHead = 'filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n'
const viaRow = (id: number) =>
  `${id}.png,1,"{}",1,0,"{""name"":""rect"",""x"":10,""y"":10,""width"":20,""height"":20}","{""class"":""cat""}"\n`
const inVia = (row: string) => ({ ...pixels, 'a.csv': `${viaHead}${viaRow(1)}${row}${viaRow(2)}` })
const openHead = 'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n'
const openRow = (id: number) => `${id},xclick,cat,1,0.1,0.3,0.1,0.3\n`
const inOpenImages = (row: string) => ({
  ...pixels,
  '3.png': png,
  'a-bbox.csv': `${openHead}${openRow(1)}${row}${openRow(2)}`,
})

describe('one damaged entry', () => {
  it.each<[what: string, files: Record<string, unknown>, loss: string]>([
    [
      'COCO: an image without a name',
      inCoco({ images: [{ id: 9 }] }),
      'image-invalid: images[0] in a.json has no "file_name"',
    ],
    [
      'COCO: an image without an id',
      inCoco({ images: [{ file_name: '3.png' }] }),
      'image-invalid: images[0] in a.json has no "id"',
    ],
    ['COCO: null as an image', inCoco({ images: [null] }), 'image-invalid: images[0] in a.json has no "id"'],
    [
      'COCO: null as an object',
      inCoco({ annotations: [null] }),
      'annotation-of-missing-image: annotations[0] in a.json',
    ],
    [
      'COCO: text as an object',
      inCoco({ annotations: ['x'] }),
      'annotation-of-missing-image: annotations[0] in a.json',
    ],
    [
      'COCO: null as a class',
      inCoco({ categories: [null] }),
      'class-dropped: categories[2] in a.json has the id undefined',
    ],
    [
      'COCO: a class without a name',
      inCoco({ categories: [{ id: 3 }] }),
      'class-name-invented: categories[2] in a.json has no name',
    ],
    [
      'COCO: a list as a name',
      inCoco({ categories: [{ id: 3, name: [] }] }),
      'class-name-invented: categories[2] in a.json has no name',
    ],
    ['DICE: null as an image', inDice(null), 'image-invalid: images[0] in annotations.json must be an object'],
    [
      'DICE: an image without a name',
      inDice({ id: 9, annotations: [] }),
      'image-invalid: images[0].file_name in annotations.json is required',
    ],
    [
      'DICE: a name outside of the dataset',
      inDice(diceImage(3, { file_name: '../3.png' })),
      'image-unsafe-path: images[0].file_name',
    ],
    ['DICE: an image twice', inDice(diceImage(2)), 'image-duplicate: images[2].file_name'],
    ['DICE: text as a number', inDice(diceImage(3, { width: 'wide' })), 'image-invalid: images[0].width'],
    ['flat DICE: null as an object', inFlatDice(null), 'annotation-of-missing-image: annotations[0]'],
    [
      'flat DICE: an object without a class',
      inFlatDice({ image_id: 1, bbox }),
      'annotation-invalid: annotations[0].class_id',
    ],
    [
      'flat DICE: an object of an unknown class',
      inFlatDice({ image_id: 1, bbox, class_id: 7 }),
      'annotation-of-unknown-class: annotations[0].class_id',
    ],
    ['YOLO: a label in another encoding', inYolo(korean), 'label-file-invalid: "labels/3.txt" is not UTF-8 text'],
    ['YOLO: a label of words', inYolo('cat on a wall\n'), 'label-file-invalid: labels/3.txt:1: "cat" is not a number'],
    ['VIA: a row that is no JSON', inVia('3.png,1,{},1,0,x,{}\n'), 'annotation-invalid: a.csv, row 3 is not JSON'],
    ['VIA: a row without its end', inVia('3.png,1\n'), 'annotation-invalid: a.csv, row 3, has no filename or'],
    ['Open Images: a row without its end', inOpenImages('3,xclick,cat,1,0.1\n'), 'annotation-invalid'],
    ['Open Images: an empty cell', inOpenImages('3,xclick,,1,0.1,0.3,0.1,0.3\n'), 'annotation-of-unknown-class'],
  ])('costs itself, is named, and stops with strict: %s', async (_what, files, loss) => {
    const source = createFiles(files)
    const { report } = await convert(source, 'dice', { images: 'copy' })
    const isWhole = ({ annotations }: { annotations: number }) => annotations >= 2
    expect(report.classes.filter(isWhole).map(({ name }) => name)).toEqual(['cat'])
    const losses = report.losses.map(({ reason, count, examples }) => `${count} ${reason}: ${examples[0]}`)
    expect(losses.filter((text) => text.startsWith(`1 ${loss}`))).toHaveLength(1)
    await expect(convert(source, 'dice', { strict: true })).rejects.toBeInstanceOf(LossError)
  })
})

describe('one damaged image', () => {
  const sources: Readonly<Record<string, { files: Record<string, unknown>; path: string; to: TargetFormat }>> = {
    coco: { files: inCoco({}), path: '2.png', to: 'yolo' },
    dice: { files: inDice(), path: '2.png', to: 'coco' },
    yolo: { files: inYolo(''), path: 'images/2.png', to: 'voc' },
    via: { files: inVia(''), path: '2.png', to: 'labelme' },
    folders: {
      files: { 'cat/1.png': png, 'cat/2.png': png, 'dog/1.png': png },
      path: 'cat/2.png',
      to: 'dice',
    },
  }
  const damaged = { reason: 'image-unreadable', text: 'is damaged' }
  const damages: readonly (readonly [string, string | Buffer, typeof damaged])[] = [
    ['an empty file', '', damaged],
    ['a page of a server', '<!DOCTYPE html><title>404</title>', damaged],
    ['a file that ends in its header', png.subarray(0, 20), damaged],
    ['a file without its end', png.subarray(0, -20), { reason: 'image-truncated', text: 'is cut off' }],
  ]
  it.each(
    Object.entries(sources).flatMap(([format, source]) =>
      damages.map(([what, bytes, loss]) => [format, what, source, bytes, loss] as const),
    ),
  )(
    'of %s is left out, is named, and stops with strict: %s',
    async (_format, _what, { files, path, to }, bytes, { reason, text }) => {
      const whole = await convert(createFiles(files), to, { images: 'copy' })
      const source = createFiles({ ...files, [path]: bytes })
      const { report } = await convert(source, to, { images: 'copy' })
      expect(report.images).toBe(whole.report.images - 1)
      expect(report.losses).toContainEqual({
        reason,
        count: 1,
        examples: [expect.stringContaining(`Image "${path}" ${text}`)],
      })
      await expect(convert(source, to, { images: 'copy', strict: true })).rejects.toBeInstanceOf(LossError)
    },
  )
})
