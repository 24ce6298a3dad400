import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { convertDataset } from '../../convert/convert-dataset.ts'
import { detectFormat } from '../../open/detect-format.ts'
import { findBox } from '../../record/find-box.ts'
import { countLosses, plainPng, readAll, temporaryFolder } from '../../testing/dataset-formats.ts'
import { validateDataset } from '../../validate/validate-dataset.ts'
import { loadReader } from '../readers.ts'
import { TOOL_CASES, type ToolCase } from './other-tools.cases.ts'

async function open({ format }: Pick<ToolCase, 'format'>, dir: string, followLinks?: string) {
  const reader = await (await loadReader[format]())(dir, { followLinks })
  const { records, losses } = await readAll(reader)
  const images = records.map(({ path, split, annotations }) => {
    const objects = annotations.map((annotation) => {
      const box = findBox(annotation)?.map((value) => Math.round(value * 1000) / 1000)
      return `${reader.classes[annotation.classId]?.name} ${annotation.kind} ${box}`
    })
    return [path, split === undefined ? { objects } : { split, objects }] as const
  })
  return { reader, images: Object.fromEntries(images), losses: countLosses(losses), records }
}

const each = test.each(TOOL_CASES.map((item) => [item.format, item] as const))

each('%s is recognised by its content', async (format, { files }) => {
  using folder = temporaryFolder(files)
  expect((await detectFormat(folder.dir)).format).toBe(format)
})

each('%s gives classes, splits and objects in pixels, and counts what it cannot use', async (_format, item) => {
  using folder = temporaryFolder(item.files)
  const { reader, images, losses, records } = await open(item, folder.dir)
  expect(reader.taskType).toBe(item.taskType)
  expect(reader.classes.map(({ name }) => name)).toEqual(item.classes)
  expect(images).toEqual(item.images)
  expect(losses).toEqual(item.losses ?? {})
  expect(records.every(({ file }) => file !== undefined)).toBe(true)
})

each('%s is read without a file that is damaged, which is counted', async (_format, item) => {
  const { path, text, losses } = item.damage
  // A damaged mask belongs to an image.
  const beside = /^masks\//.test(path) ? { [path.replace('masks/', 'images/')]: plainPng(100, 80) } : {}
  using folder = temporaryFolder({ ...item.files, [path]: text, ...beside })
  const found = await open(item, folder.dir)
  expect(found.images).toMatchObject(item.images)
  expect(found.losses).toMatchObject(losses)
})

each('%s counts images, files and folders that it passes over', async (_format, item) => {
  using folder = temporaryFolder({
    ...item.files,
    'unknown/extra.png': plainPng(10, 10),
    'unknown/photo.heic': 'x',
    'unknown/notes.doc': 'x',
    '.hidden/1.png': 'x',
    '__MACOSX/1.png': 'x',
  })
  const { losses } = await open(item, folder.dir)
  expect(losses).toMatchObject({
    ...item.losses,
    'image-unlabelled': 1,
    'image-not-loadable': 1,
    'file-ignored': 1,
    'folder-ignored': 2,
  })
})

each('%s with its texts as UTF-8 with a byte order mark and UTF-16 is the same dataset', async (_format, item) => {
  const marked = Object.entries(item.files).map(([path, content]) => [
    path,
    typeof content === 'string' ? `\ufeff${content}` : content,
  ])
  const wide = Object.entries(item.files).map(([path, content]) => [
    path,
    typeof content === 'string' ? Buffer.from(`\ufeff${content}`, 'utf16le') : content,
  ])
  // Files that can be larger than memory are cut as UTF-8, like those of COCO.
  for (const files of item.format === 'coco-panoptic' ? [marked] : [marked, wide]) {
    using folder = temporaryFolder(Object.fromEntries(files))
    expect((await open(item, folder.dir)).images).toEqual(item.images)
  }
})

each('%s: convert and validate agree on what is lost', async (format, item) => {
  using folder = temporaryFolder({ ...item.files, 'unknown/extra.png': plainPng(10, 10) })
  const { losses } = await open(item, folder.dir)
  const report = await convertDataset({ source: folder.dir, target: `${folder.dir}-out`, to: 'coco', from: format })
  expect(countLosses(report.losses)).toMatchObject(losses)
  const reader = await (await loadReader[format]())(folder.dir)
  const { findings } = await validateDataset(reader)
  const found = findings.filter(({ code }) => code === 'lost-in-reading')
  const total = Object.values(losses).reduce((sum, count) => sum + count, 0)
  expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(total)
})

/** The dataset with each file as a link into `cache`, as DVC has it, and a link that never ends. */
function linked({ files }: Pick<ToolCase, 'files'>) {
  const paths = Object.keys(files)
  const folder = temporaryFolder(Object.fromEntries(paths.map((path, at) => [`cache/${at}`, files[path] ?? ''])))
  for (const [at, path] of paths.entries()) {
    mkdirSync(dirname(join(folder.dir, 'data', path)), { recursive: true })
    symlinkSync(join(folder.dir, 'cache', String(at)), join(folder.dir, 'data', path))
  }
  symlinkSync(folder.dir, join(folder.dir, 'data/loop'))
  return folder
}

const png = plainPng(40, 30)
const OWN: readonly Pick<ToolCase, 'format' | 'files'>[] = [
  {
    format: 'yolo',
    files: { 'data.yaml': 'train: images\nval: images\nnames: [a]\n', 'images/1.png': png, 'labels/1.txt': '' },
  },
  {
    format: 'coco',
    files: {
      'annotations.json': JSON.stringify({
        images: [{ id: 1, file_name: '1.png', width: 40, height: 30 }],
        annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }],
        categories: [{ id: 1, name: 'a' }],
      }),
      '1.png': png,
    },
  },
  { format: 'imagefolder', files: { 'train/a/1.png': png } },
  { format: 'voc', files: { '1.xml': '<annotation><filename>1.png</filename></annotation>', '1.png': png } },
  { format: 'labelme', files: { '1.json': '{"shapes": [], "imagePath": "1.png"}', '1.png': png } },
]

test.each([...TOOL_CASES, ...OWN].map((item) => [item.format, item] as const))(
  '%s: links into another folder are followed on request, and loops end',
  async (format, item) => {
    using folder = linked(item)
    const dir = join(folder.dir, 'data')
    await expect(detectFormat(dir)).rejects.toThrow('unknown')
    expect((await detectFormat(dir, { followLinks: folder.dir })).format).toBe(format)
    const { records, losses } = await open(item, dir, folder.dir)
    expect(records.length).toBeGreaterThan(0)
    expect(records.every(({ file }) => file !== undefined)).toBe(true)
    expect(losses['image-unsafe-path'] ?? 0).toBeLessThanOrEqual(1)
    // A link that leads out of the given folder is still not followed.
    await expect(detectFormat(dir, { followLinks: dir })).rejects.toThrow('unknown')
  },
)

test('a linked folder is entered once', async () => {
  using folder = temporaryFolder({ 'cache/abc/1.png': png, 'data/train/b/2.png': png })
  for (const name of ['a', 'again']) symlinkSync(join(folder.dir, 'cache/abc'), join(folder.dir, 'data/train', name))
  const { records, losses, reader } = await open({ format: 'imagefolder' }, join(folder.dir, 'data'), folder.dir)
  expect(reader.classes.map(({ name }) => name)).toContain('a')
  expect(records).toHaveLength(2)
  expect(losses['image-unsafe-path']).toBe(1)
})
