import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { describe, expect, it } from 'vitest'
import { coco, convert, createDir, createFiles, image, read } from '../testing/coco-dataset.ts'
import { createPng } from '../testing/test-dataset.ts'

const bbox = [10, 10, 20, 20]
const FORMATS = ['coco', 'dice', 'yolo', 'voc', 'labelme'] as const

describe('a hostile dataset', () => {
  it.each([
    '../../out.jpg',
    '/etc/passwd',
    'C:\\x.jpg',
    '\\\\host\\share\\x.jpg',
    'a/../../../x.jpg',
    'a\u0000.jpg',
    '',
  ])('cannot name a file outside of the result: %j', async (file_name) => {
    const images = [image(1), image(2, { file_name })]
    const source = createFiles({ 'instances_train.json': coco([{ bbox }, { image_id: 2, bbox }], { images }) })
    for (const to of FORMATS) {
      const { report, count } = await convert(source, to)
      expect([to, report.images, count('image-unsafe-path')]).toEqual([to, 1, 1])
    }
  })

  it('cannot add a file outside of the dataset to the result with a link', async () => {
    const secret = join(createFiles({ 'secret.png': createPng(100, 50) }), 'secret.png')
    const source = createFiles({
      'instances_train.json': coco([{ bbox }], { images: [image(1, { file_name: '1.png' })] }),
    })
    symlinkSync(secret, join(source, '1.png'))
    const { dir, count } = await convert(source, 'coco', { images: 'copy' })
    expect(existsSync(join(dir, '1.png'))).toBe(false)
    expect(count('image-missing-file')).toBe(1)
  })

  it('with absurd sizes has unknown sizes', async () => {
    const images = [1e15, -4, 'wide', null, {}].map((width, id) => image(id, { width }))
    const annotations = images.map(({ id }) => ({ image_id: id, bbox }))
    const source = createFiles({ 'instances_train.json': coco(annotations, { images }) })
    const { count } = await convert(source, 'coco')
    expect(count('image-size-unknown')).toBe(5)
    await expect(convert(source, 'yolo')).rejects.toThrow(/None of the dataset's images can be converted/)
  })

  it.each([
    [[1, 2, 'x', 4]],
    [[1, 2, null, 4]],
    [['1', '2', '', '4']],
    [['1', '2', '3px', '4']],
    [[1, 2, 3]],
    [[1, 2, -3, 4]],
    ['1,2,3,4'],
    [{}],
    [true],
  ])('with the box %j is converted, and the box is counted', async (box) => {
    const text = JSON.stringify(coco([{ bbox: box }, { bbox }])).replace('null', '1e400')
    const { report, count } = await convert(createFiles({ 'instances_train.json': text }), 'yolo')
    expect(report.annotations).toBe(1)
    expect(count('annotation-invalid')).toBe(1)
  })

  it.each([
    ['a number', 7],
    ['text', 'polygon'],
    ['true', true],
    ['an odd ring without a list', [1, 2, 3, 4, 5, 6, 7]],
    ['an odd ring', [[1, 2, 3, 4, 5, 6, 7]]],
    ['a ring of words', [['a', 'b', 'c', 'd', 'e', 'f']]],
    ['a ring of rings', [[[1, 2, 3, 4, 5, 6]]]],
    ['runs without a size', { counts: [1, 2] }],
    ['runs of no number', { size: [50, 100], counts: ['x'] }],
    ['runs that are too long', { size: [50, 100], counts: [1e12] }],
    ['a mask of a terabyte', { size: [1e6, 1e6], counts: [1e12] }],
  ])('with a segmentation that is %s keeps the box', async (_what, segmentation) => {
    const source = createFiles({ 'instances_train.json': coco([{ bbox, segmentation }]) })
    expect((await convert(source, 'yolo', { task: 'segmentation' })).report.annotations).toBe(1)
    expect((await read(source, 'coco')).annotations[0]?.bbox).toEqual(bbox)
  })

  it('with names that differ only in case, Unicode form or suffix keeps every image', async () => {
    const names = ['a.jpg', 'A.JPG', 'a.png', '\u00e9.jpg', 'e\u0301.jpg', 'sub/a.jpg', 'Sub/A.jpg']
    const images = names.map((file_name, id) => image(id, { file_name }))
    const annotations = names.map((_, id) => ({ image_id: id, bbox: [id, 10, 20, 20] }))
    const source = createFiles({ 'instances_train.json': coco(annotations, { images }) })
    const { files } = await convert(source, 'yolo')
    const labels = Object.entries(files()).filter(([path]) => path.startsWith('labels/'))
    const folded = labels.map(([path]) => Buffer.from(path, 'latin1').toString('utf8').normalize('NFC').toLowerCase())
    expect(new Set(folded).size).toBe(names.length)
    expect(new Set(labels.map(([, text]) => text)).size).toBe(names.length)
  })

  it('with file names that are not UTF-8 is converted', async () => {
    const source = createFiles({ 'instances_train.json': coco([{ bbox }]) })
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff, 0xfe]), Buffer.from('.jpg')]), 'x')
    expect((await convert(source, 'yolo')).report.images).toBe(1)
  })

  it('with members such as __proto__ is converted', async () => {
    const text = JSON.stringify(coco([{ bbox, note: 1 }])).replace(
      '"note":1',
      '"__proto__":{"polluted":1},"constructor":2',
    )
    const { annotations } = await read(createFiles({ 'a.json': text }), 'coco')
    expect(Object.entries(annotations[0]?.attributes ?? {})).toEqual([
      ['__proto__', { polluted: 1 }],
      ['constructor', 2],
    ])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it.each([
    [{ images: {} }, '"images" in a.json is {}; expected a list of images'],
    [{ annotations: 5 }, '"annotations" in a.json is 5; expected a list of annotations'],
    [{ categories: undefined }, '"categories" in a.json is missing'],
    [{ images: [] }, 'The dataset has no images: "images" is empty in a.json'],
  ])('is refused with a reason: %j', async (change, message) => {
    const promise = read(createFiles({ 'a.json': { ...coco([]), ...change } }), 'coco')
    await expect(promise).rejects.toThrow(message)
    await expect(promise).rejects.toBeInstanceOf(DatasetError)
  })

  it('is refused with strict for any loss, and nothing is written', async () => {
    const target = join(createDir(), 'out')
    mkdirSync(target)
    const source = createFiles({ 'instances_train.json': coco([{ bbox: [90, 10, 20, 20] }]) })
    await expect(convert(source, 'yolo', { strict: true, target })).rejects.toThrow('1 × box-clipped (such as')
    expect(existsSync(join(target, 'data.yaml'))).toBe(false)
  })
})
