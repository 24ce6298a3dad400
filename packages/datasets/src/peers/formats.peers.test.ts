import { join } from 'node:path'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { convertDataset } from '../convert/convert-dataset.ts'
import { createDiceWriter } from '../formats/dice/write.ts'
import type { Annotation } from '../record/record.ts'
import {
  classesNamed,
  imageRecord,
  plainPng,
  temporaryFolder,
  writeContext,
  writeRecords,
} from '../testing/dataset-formats.ts'
import { askPeer, hasPeer, python } from './python.ts'

const WHY =
  'TRAINYARD_PEERS_PYTHON names no Python with datumaro, datasets, labelme, supervision, torchvision or webdataset'
const SPLITS = ['train', 'val', 'test'] as const

/**
 * Images of 64 × 40, each with an object of its own class, written in a format: one in each split, or with `isFull` one of every
 * class in each split.
 */
async function write(dir: string, to: TargetFormat, task: TaskType, isFull = false): Promise<string> {
  // Rotated boxes are written from upright ones.
  const from = task === 'obb' ? 'detection' : task
  const all = SPLITS.flatMap((split, at) => (isFull ? [0, 1, 2] : [at]).map((classId) => ({ split, classId })))
  const records = all.map(({ split, classId }) => {
    const [x, y] = [classId * 10, 5]
    const box: Annotation = { kind: 'box', classId, bbox: [x, y, 20, 10] }
    const ring = [x, y, x + 20, y, x + 20, y + 10, x, y + 10]
    const object: Record<string, Annotation> = {
      detection: box,
      segmentation: { ...box, kind: 'polygon', polygons: [ring] },
      classification: { kind: 'class', classId },
    }
    const annotation = object[from]
    const file = join(dir, 'in.png')
    return imageRecord(isFull ? `images/${split} ${classId}.png` : `${split} 1.png`, {
      width: 64,
      height: 40,
      file,
      split,
      annotations: annotation ? [annotation] : [],
    })
  })
  const context = writeContext(
    join(dir, 'source'),
    { taskType: from, classes: classesNamed('cat', '고양이', 'big dog') },
    { images: 'copy' },
  )
  await writeRecords(createDiceWriter, context, records)
  const target = join(dir, 'target')
  await convertDataset({ source: join(dir, 'source'), target, to, task })
  return target
}

const withPeer = (peer: string) => test.skipIf(python === undefined || !hasPeer(peer))
const named = (title: string, peer: string) => (hasPeer(peer) ? title : `${title} (skipped: ${WHY})`)

withPeer('datumaro')(named('Datumaro reads the classes of our masks', 'datumaro'), async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
  const target = await write(folder.dir, 'masks', 'segmentation')
  const found = askPeer<{ image: string; pixels: Record<string, number> }[]>('./read_formats.py', 'masks', target) ?? []
  const byImage = Object.fromEntries(found.map(({ image, pixels }) => [image.replaceAll('\\', '/'), pixels]))
  // Its ids are the names of the files alone.
  expect(byImage).toEqual({
    'train 1': { background: 64 * 40 - 200, cat: 200 },
    'val 1': { background: 64 * 40 - 200, 고양이: 200 },
    'test 1': { background: 64 * 40 - 200, 'big dog': 200 },
  })
})

withPeer('datasets')(named('Hugging Face reads our metadata in its splits', 'datasets'), async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
  const target = await write(folder.dir, 'huggingface', 'detection')
  const found = askPeer<{ split: string; size: number[]; objects: Record<string, unknown[]> }[]>(
    './read_formats.py',
    'huggingface',
    target,
  )
  expect(found?.map(({ split, size, objects }) => [split, size, objects.bbox, objects.category])).toEqual([
    ['train', [64, 40], [[0, 5, 20, 10]], ['cat']],
    ['validation', [64, 40], [[10, 5, 20, 10]], ['고양이']],
    ['test', [64, 40], [[20, 5, 20, 10]], ['big dog']],
  ])
})

withPeer('datasets')(named('Hugging Face reads our labels', 'datasets'), async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
  const target = await write(folder.dir, 'huggingface', 'classification')
  const found = askPeer<{ split: string; label: string }[]>('./read_formats.py', 'huggingface', target)
  expect(found?.map(({ split, label }) => [split, label])).toEqual([
    ['train', 'cat'],
    ['validation', '고양이'],
    ['test', 'big dog'],
  ])
})

withPeer('webdataset')(named('WebDataset reads our shards', 'webdataset'), async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
  const target = await write(folder.dir, 'webdataset', 'classification')
  const found = askPeer<{ split: string; key: string; size: number[]; cls: number }[]>(
    './read_formats.py',
    'webdataset',
    target,
  )
  expect(found?.map(({ split, key, size, cls }) => [split, key, size, cls])).toEqual([
    ['test', 'test 1', [64, 40], 2],
    ['train', 'train 1', [64, 40], 0],
    ['val', 'val 1', [64, 40], 1],
  ])
})

interface Seen {
  split: string
  label: string
  box?: number[]
  points?: number[][]
}
/** Every class in every split, in the order of the splits and classes. */
const everywhere = (toSeen: (split: string, classId: number) => object, names = ['cat', '고양이', 'big dog']) =>
  SPLITS.flatMap((split) => names.map((label, classId) => ({ label, ...toSeen(split, classId) })))
const sorted = (found: readonly object[] | undefined) =>
  found?.map((each) => JSON.stringify(each, Object.keys(each).sort())).sort()
const boxes = everywhere((split, classId) => ({ split, box: [classId * 10, 5, 20, 10] }))

withPeer('datumaro').each<[string, TargetFormat, TaskType, object[]]>([
  ['imagenet_with_subset_dirs', 'imagefolder', 'classification', everywhere((split) => ({ split, box: null }))],
  ['coco', 'coco', 'detection', boxes],
  ['yolo', 'yolo', 'detection', boxes],
  ['voc_detection', 'voc', 'detection', boxes],
  [
    'dota',
    'dota',
    'obb',
    everywhere((split, classId) => ({ split, box: [classId * 10, 5, 20, 10] }), ['cat', '고양이', 'big-dog']),
  ],
])(named('Datumaro reads as %s what we write as %s', 'datumaro'), async (format, to, task, expected) => {
  using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
  const target = await write(folder.dir, to, task, true)
  expect(sorted(askPeer<Seen[]>('./read_formats.py', 'datumaro', target, format))).toEqual(sorted(expected))
})

withPeer('supervision').each<TargetFormat>(['coco', 'yolo'])(
  named('supervision reads what we write as %s', 'supervision'),
  async (to) => {
    using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
    const target = await write(folder.dir, to, 'detection', true)
    expect(sorted(askPeer<Seen[]>('./read_formats.py', 'supervision', target, to))).toEqual(sorted(boxes))
  },
)

withPeer('torchvision').each([true, false])(
  named(
    'torchvision numbers our folders of classes in the same way in each split (all classes everywhere: %s)',
    'torchvision',
  ),
  async (isFull) => {
    using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
    const target = await write(folder.dir, 'imagefolder', 'classification', isFull)
    const numbers: Record<string, number> = { 'big dog': 0, cat: 1, 고양이: 2 }
    const all = everywhere((split, classId) => ({ split, at: classId })) as (Seen & { at: number })[]
    const expected = all
      .filter(({ split, at }) => isFull || SPLITS[at] === split)
      .map(({ split, label }) => ({ split, label, number: numbers[label] }))
    expect(sorted(askPeer<Seen[]>('./read_formats.py', 'torchvision', target))).toEqual(sorted(expected))
  },
)

withPeer('labelme')(named('labelme opens our files', 'labelme'), async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
  const target = await write(folder.dir, 'labelme', 'segmentation', true)
  const expected = everywhere((split, classId) => {
    const [left, right] = [classId * 10, classId * 10 + 20]
    const points = [
      [left, 5],
      [right, 5],
      [right, 15],
      [left, 15],
    ]
    return { split, kind: 'polygon', points }
  })
  expect(sorted(askPeer<Seen[]>('./read_formats.py', 'labelme', target))).toEqual(sorted(expected))
})

withPeer('webdataset')(named('WebDataset reads the objects of our shards', 'webdataset'), async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(64, 40) })
  const target = await write(folder.dir, 'webdataset', 'detection', true)
  const found = askPeer<{ split: string; objects: { class: string; bbox: number[] }[] }[]>(
    './read_formats.py',
    'webdataset',
    target,
  )
  const seen = found?.flatMap(({ split, objects }) =>
    objects.map((item) => ({ label: item.class, split, box: item.bbox })),
  )
  expect(sorted(seen)).toEqual(sorted(boxes))
})
