import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { DatasetFormat } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { convertDataset } from '../convert/convert-dataset.ts'
import { findInside, toPortablePath } from '../files/portable-path.ts'
import { loadReader } from '../formats/readers.ts'
import { plainPng, readAll, temporaryFolder } from '../testing/dataset-formats.ts'
import { createOutputNames } from '../writing/output-names.ts'

const secret = plainPng(8, 6, [1, 2, 3])
const hostile = [
  '../secret.png',
  'a/../../secret.png',
  '/etc/passwd',
  'C:\\secret.png',
  '\\\\server\\share\\secret.png',
  '..\\secret.png',
  'a\u0000.png',
]

const datasets: [DatasetFormat, (name: string) => Record<string, string>][] = [
  [
    'coco',
    (file_name) => ({
      'annotations.json': JSON.stringify({
        images: [
          { id: 1, file_name, width: 8, height: 6 },
          { id: 2, file_name: 'good.png', width: 8, height: 6 },
        ],
        categories: [{ id: 1, name: 'a' }],
        annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 1, 1] }],
      }),
    }),
  ],
  [
    'dice',
    (file_name) => ({
      'annotations.json': JSON.stringify({
        format_version: '1.0',
        task_type: 'object_detection',
        classes: [{ id: 0, name: 'a' }],
        images: [
          { id: 1, file_name, width: 8, height: 6, annotations: [] },
          { id: 2, file_name: 'good.png', width: 8, height: 6, annotations: [] },
        ],
      }),
    }),
  ],
  [
    'voc',
    (name) => ({
      '1.xml': `<annotation><filename>${name.replace('\u0000', '&#1;')}</filename></annotation>`,
      'good.xml': '<annotation><filename>good.png</filename></annotation>',
    }),
  ],
  [
    'labelme',
    (imagePath) => ({
      '1.json': JSON.stringify({ shapes: [], imagePath }),
      'good.json': JSON.stringify({ shapes: [], imagePath: 'good.png' }),
    }),
  ],
  [
    'yolo',
    (name) => ({
      'data.yaml': 'names: [a]\ntrain: train.txt\nval: train.txt\n',
      'train.txt': `${name}\n./images/good.png\n`,
      'labels/good.txt': '',
    }),
  ],
]

it.each(datasets.flatMap(([format, files]) => hostile.map((name) => ({ format, name, files }))))(
  'pitfall 29: %j leads nowhere',
  async ({ format, name, files }) => {
    using outer = temporaryFolder({
      'secret.png': secret,
      'data/good.png': plainPng(8, 6),
      'data/images/good.png': plainPng(8, 6),
    })
    const dir = join(outer.dir, 'data')
    for (const [path, text] of Object.entries(files(name))) outer.write(`data/${path}`, text)
    // Either the dataset is refused, or the image has no file.
    const target = join(outer.dir, 'out')
    const report = await convertDataset({ source: dir, from: format, target, to: 'voc' }).catch((error: Error) => error)
    if (report instanceof Error) return expect(report.name).toBe('DatasetError')
    const out = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    for (const entry of out) expect(readFileSync(join(entry.parentPath, entry.name))).not.toEqual(secret)
    expect(readdirSync(outer.dir).sort()).toEqual(['data', 'out', 'secret.png'])
    const reader = await (await loadReader[format]())(dir)
    for (const { file } of (await readAll(reader)).records)
      if (file !== undefined) expect(relative(dir, file)).not.toMatch(/^\.\.|^\//)
  },
)

it('pitfall 29: a link out of the dataset is not followed, a link inside it is', async () => {
  using outer = temporaryFolder({ 'secret.png': secret, 'data/real.png': plainPng(2, 2) })
  const dir = join(outer.dir, 'data')
  symlinkSync(join(outer.dir, 'secret.png'), join(dir, 'out.png'))
  symlinkSync('real.png', join(dir, 'in.png'))
  symlinkSync(outer.dir, join(dir, 'folder'))
  expect(await findInside(dir, join(dir, 'out.png'))).toBeUndefined()
  expect(await findInside(dir, join(dir, 'folder', 'secret.png'))).toBeUndefined()
  expect(await findInside(dir, join(dir, 'in.png'))).toMatch(/real\.png$/)
})

it('pitfall 29: paths of other systems are resolved inside of the dataset or refused', () => {
  for (const name of hostile) expect(toPortablePath(name)).toBeUndefined()
  expect(toPortablePath('..\\images\\.\\1.png', 'json')).toBe('images/1.png')
  expect(toPortablePath('../../1.png', 'json')).toBeUndefined()
  expect(toPortablePath('..', 'json')).toBeUndefined()
  expect(toPortablePath('x'.repeat(5000))).toBeUndefined()
})

it('pitfall 29: no written name leads out of the result', () => {
  const names = createOutputNames()
  for (const name of [...hostile, '..', '.', '/', '...', 'a/./b/../c.png', 'CON', 'nul.txt']) {
    const next = names.next(name)
    expect(next).not.toMatch(/(^|\/)\.{1,2}(\/|$)|^\/|\\|:|\p{Cc}/u)
    expect(next).not.toBe('')
  }
})
