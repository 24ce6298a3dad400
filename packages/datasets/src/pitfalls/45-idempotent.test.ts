import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MARKER_NAME } from '../convert/conversion-marker.ts'
import { convertDataset } from '../convert/convert-dataset.ts'
import { coco, convert, createDir, createFiles, image, readFiles, SQUARE } from '../testing/coco-dataset.ts'
import { createPng } from '../testing/test-dataset.ts'

const files = {
  'annotations/instances_train.json': coco([{ segmentation: SQUARE, bbox: [10, 10, 20, 20] }], {
    images: [image(1, { file_name: '1.png' }), image(2, { file_name: 'deep/2.png' })],
  }),
  '1.png': createPng(100, 50),
  'deep/2.png': createPng(100, 50),
}

function withoutMarker(dir: string): Record<string, string> {
  const { [MARKER_NAME]: _, ...rest } = readFiles(dir)
  return rest
}

describe('pitfall 45: a conversion that runs again', () => {
  it.each(['coco', 'dice', 'yolo', 'voc', 'labelme'] as const)('gives the same bytes for %s', async (to) => {
    const source = createFiles(files)
    const first = await convert(source, to, { images: 'copy' })
    const copy = join(createDir(), 'copy')
    cpSync(source, copy, { recursive: true })
    const second = await convert(copy, to, { images: 'copy' })
    expect(withoutMarker(second.dir)).toEqual(withoutMarker(first.dir))
    expect(Object.keys(withoutMarker(first.dir)).length).toBeGreaterThan(2)
  })

  it('does nothing while the source is unchanged, and writes everything again after a change', async () => {
    const source = createFiles(files)
    const { dir, report } = await convert(source, 'yolo')
    const label = join(dir, 'labels/train/1.txt')
    const { ino } = statSync(label)
    const again = await convert(source, 'yolo', { target: dir })
    expect(again.report).toEqual({ ...report, isUnchanged: true })
    expect(statSync(label).ino).toBe(ino)
    expect((await convert(source, 'yolo', { target: dir, task: 'detection' })).report.isUnchanged).toBe(false)
    rmSync(label)
    expect((await convert(source, 'yolo', { target: dir, task: 'detection' })).report.isUnchanged).toBe(false)
    writeFileSync(join(source, '1.png'), createPng(100, 51))
    expect((await convert(source, 'yolo', { target: dir, task: 'detection' })).report.isUnchanged).toBe(false)
  })

  /** What people and tools do to a result or its source, with the number of files as before or not. */
  const edits: Record<string, (at: { source: string; target: string }) => void> = {
    'a label of the target has other numbers, in as many bytes': ({ target }) => {
      const file = join(target, 'labels/train/1.txt')
      writeFileSync(file, readFileSync(file, 'utf8').replace(/\d(?=\n)/, '7'))
    },
    'a label of the target has one more row': ({ target }) =>
      appendFileSync(join(target, 'labels/train/1.txt'), '0 0.5 0.5 0.1 0.1\n'),
    'a label of the target is empty': ({ target }) => writeFileSync(join(target, 'labels/train/1.txt'), ''),
    'a label of the target has another name': ({ target }) =>
      renameSync(join(target, 'labels/train/1.txt'), join(target, 'labels/train/one.txt')),
    'two labels of the target have changed places': ({ target }) => {
      const [one, two] = ['1.txt', 'deep/2.txt'].map((name) => join(target, 'labels/train', name)) as [string, string]
      renameSync(one, `${one}.tmp`)
      renameSync(two, one)
      renameSync(`${one}.tmp`, two)
    },
    'an image of the target is another one': ({ target }) =>
      writeFileSync(join(target, 'images/train/1.png'), createPng(100, 51)),
    'classes of the target have other names': ({ target }) => appendFileSync(join(target, 'data.yaml'), '\n# edited\n'),
    'the target has one file more': ({ target }) => writeFileSync(join(target, 'labels/train/3.txt'), ''),
    'a file of the target is removed': ({ target }) => rmSync(join(target, 'data.yaml')),
    'a file of the target is older': ({ target }) => utimesSync(join(target, 'labels/train/1.txt'), 1e9, 1e9),
    'annotations of the source have other numbers, in as many bytes': ({ source }) => {
      const file = join(source, 'annotations/instances_train.json')
      writeFileSync(file, readFileSync(file, 'utf8').replace('[10,10,20,20]', '[11,10,20,20]'))
    },
    'an image of the source is older': ({ source }) => utimesSync(join(source, '1.png'), 1e9, 1e9),
    'the source has one image more': ({ source }) => writeFileSync(join(source, 'extra.png'), createPng(9, 9)),
  }
  it.each(Object.entries(edits))('writes everything again when %s', async (_what, edit) => {
    const source = createFiles(files)
    const { dir } = await convert(source, 'yolo', { images: 'copy' })
    const again = () => convert(source, 'yolo', { target: dir, images: 'copy' })
    expect((await again()).report.isUnchanged).toBe(true)
    const before = readdirSync(dir, { recursive: true }).length
    edit({ source, target: dir })
    expect((await again()).report.isUnchanged).toBe(false)
    expect(readdirSync(dir, { recursive: true })).toHaveLength(before)
    expect((await again()).report.isUnchanged).toBe(true)
  })

  it('leaves nothing behind when it fails, and keeps the earlier result', async () => {
    const source = createFiles(files)
    const { dir, report } = await convert(source, 'yolo')
    const before = readFiles(dir)
    writeFileSync(join(source, 'annotations/instances_train.json'), '{"images":[{"id":1')
    await expect(convert(source, 'yolo', { target: dir, from: 'coco' })).rejects.toThrow('ends in the middle of')
    const stopped = AbortSignal.abort(new Error('enough'))
    await expect(convert(createFiles(files), 'yolo', { target: dir, signal: stopped })).rejects.toThrow('enough')
    expect(readFiles(dir)).toEqual(before)
    expect(readdirSync(dirname(dir))).toEqual(['out'])
    expect(report.images).toBe(2)
  })

  it('does not overwrite files of others', async () => {
    const target = createFiles({ 'thesis.txt': 'years of work' })
    await expect(convert(createFiles(files), 'yolo', { target })).rejects.toThrow(
      'is not empty and not the result of a conversion',
    )
    expect(readFiles(target)).toEqual({ 'thesis.txt': 'years of work' })
  })

  it('does not write into its source', async () => {
    const source = createFiles(files)
    await expect(convertDataset({ source, target: join(source, 'yolo'), to: 'yolo' })).rejects.toThrow('overlap')
    await expect(convertDataset({ source, target: dirname(source), to: 'yolo' })).rejects.toThrow('overlap')
  })
})
