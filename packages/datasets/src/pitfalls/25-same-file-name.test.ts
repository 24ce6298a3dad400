import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TargetFormat } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { convertDataset } from '../convert/convert-dataset.ts'
import { read } from '../testing/coco-dataset.ts'
import { imageRecord, plainPng, temporaryFolder, writeContext } from '../testing/dataset-formats.ts'
import { copyImage } from '../writing/copy-image.ts'
import { createOutputNames } from '../writing/output-names.ts'

const names = ['a/1.png', 'b/1.png', 'A/1.PNG', 'a/1.jpeg', 'b_1.png', 'images/a/1.png']

/** Each image has its own colour, so that confused images are detected. */
function cocoWithSameNames() {
  return temporaryFolder({
    'annotations.json': JSON.stringify({
      images: names.map((file_name, id) => ({ id, file_name, width: 8, height: 6 })),
      categories: [{ id: 1, name: 'a' }],
      annotations: names.map((_, id) => ({
        id,
        image_id: id,
        category_id: 1,
        bbox: [id, 0, 1, 1],
        area: 1,
        iscrowd: 0,
      })),
    }),
    ...Object.fromEntries(names.map((name, id) => [name, plainPng(8, 6, [id * 40, 0, 0])])),
  })
}

it.each<TargetFormat>(['voc', 'labelme', 'yolo', 'coco', 'dice'])(
  'pitfall 25: images with the same name in different folders stay apart in %s',
  async (to) => {
    using source = cocoWithSameNames()
    using folder = temporaryFolder()
    const target = join(folder.dir, to)
    const report = await convertDataset({ source: source.dir, from: 'coco', target, to })
    expect(report).toMatchObject({ images: names.length, annotations: names.length })
    const files = readdirSync(target, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
    const fold = (file: string) => file.normalize('NFC').toLowerCase()
    expect(new Set(files.map(fold)).size).toBe(files.length)
    const pixels = files
      .filter((file) => /\.(png|jpeg)$/i.test(file))
      .map((file) => readFileSync(file).toString('base64'))
    expect(pixels).toHaveLength(names.length)
    expect(new Set(pixels).size).toBe(names.length)
  },
)

it('pitfall 25: names that share a stem, or differ only in case or Unicode form, get different names in any order', () => {
  const next = createOutputNames()
  const given = ['x/a.jpg', 'x/a.png', 'x/A.JPG', 'y/a.jpg', 'x/é.jpg', 'x/é.jpg', 'x/a.jpg']
  const got = given.map((name) => next.next(name))
  expect(got.slice(0, 1)).toEqual(['x/a.jpg'])
  expect(got[3]).toBe('y/a.jpg')
  const stems = got.map((name) =>
    name
      .replace(/\.[^.]*$/, '')
      .normalize('NFC')
      .toLowerCase(),
  )
  expect(new Set(stems).size).toBe(given.length)
})

it.each<TargetFormat>(['coco', 'dice'])(
  'pitfall 25: paths that differ only in case get different names in %s, are counted, and keep their own pixels',
  async (to) => {
    const paths = ['a/1.png', 'A/1.png', 'a/2.png', 'A/1_x.png']
    const images = paths.map((file_name, id) => ({ id, file_name, width: 8, height: 6 }))
    using source = temporaryFolder({
      'annotations.json': JSON.stringify({ images, categories: [{ id: 1, name: 'a' }], annotations: [] }),
      ...Object.fromEntries(paths.map((name, id) => [name, plainPng(8, 6, [id * 40, 0, 0])])),
    })
    using folder = temporaryFolder()
    const target = join(folder.dir, to)
    const report = await convertDataset({ source: source.dir, from: 'coco', target, to })
    expect(report.losses).toMatchObject([
      { reason: 'image-renamed', count: 1, examples: [expect.stringMatching(/^A\/1\.png became A\/1_/)] },
    ])
    const { records } = await read(target, to)
    expect(records.map(({ path }) => path.replace(/_[0-9a-f]{8}\./, '_#.'))).toEqual([
      'a/1.png',
      'A/1_#.png',
      'a/2.png',
      'A/1_x.png',
    ])
    for (const [id, { file = '' }] of records.entries())
      expect(readFileSync(file)).toEqual(plainPng(8, 6, [id * 40, 0, 0]))
    // Without copied images, the names are those of the source.
    const names = await convertDataset({
      source: source.dir,
      from: 'coco',
      target: `${target}-none`,
      to,
      images: 'none',
    })
    expect(names.losses).toEqual([])
  },
)

it('pitfall 25: an image never overwrites another one with the same name: it is an error', async () => {
  using folder = temporaryFolder({ 'a.png': plainPng(2, 2), 'b.png': plainPng(3, 3) })
  const context = writeContext(folder.dir, { taskType: 'detection', classes: [] }, { images: 'copy' })
  const target = join(folder.dir, 'out', '1.png')
  await copyImage(imageRecord('a/1.png', { file: join(folder.dir, 'a.png') }), target, context)
  const second = copyImage(imageRecord('A/1.png', { file: join(folder.dir, 'b.png') }), target, context)
  await expect(second).rejects.toThrow(/"A\/1\.png" has the same name as another image/)
  expect(readFileSync(target)).toEqual(plainPng(2, 2))
})
