import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { classesNamed, imageRecord, temporaryFolder } from '../testing/dataset-formats.ts'
import { assignSplits, countExactly } from './assign-splits.ts'
import { hashSplit } from './hash-split.ts'
import { splitDataset } from './split-dataset.ts'
import { withSplits } from './with-splits.ts'

function reader(records: readonly ImageRecord[], classes: string[] = []): DatasetReader {
  return {
    format: 'coco',
    taskType: 'classification',
    classes: classesNamed(...classes),
    async *images() {
      yield* records
    },
  }
}

const images = (count: number, rest: (index: number) => Partial<ImageRecord> = () => ({})) =>
  Array.from({ length: count }, (_, index) => imageRecord(`${index}.png`, rest(index)))

const shows = (...classIds: number[]) => ({
  annotations: classIds.map((classId) => ({ kind: 'class' as const, classId })),
})

test('meets the ratios of small sets exactly, by the largest remainder method', () => {
  const ratios = { train: 0.7, val: 0.2, test: 0.1 }
  expect(countExactly(10, ratios)).toEqual({ train: 7, val: 2, test: 1 })
  expect(countExactly(13, ratios)).toEqual({ train: 9, val: 3, test: 1 })
  expect(countExactly(2, ratios)).toEqual({ train: 1, val: 1, test: 0 })
  expect(countExactly(1, ratios)).toEqual({ train: 1, val: 0, test: 0 })
  fc.assert(
    fc.property(fc.nat(5000), fc.nat(100), fc.nat(100), (total, a, b) => {
      const [first = 0, second = 0] = [a, b].sort((x, y) => x - y)
      const parts = { train: first / 100, val: (second - first) / 100, test: (100 - second) / 100 }
      const counts = countExactly(total, parts)
      expect(counts.train + counts.val + counts.test).toBe(total)
      for (const split of ['train', 'val', 'test'] as const)
        expect(Math.abs(counts[split] - total * parts[split])).toBeLessThan(split === 'test' ? 1 + 1e-6 : 2)
    }),
  )
})

test('splits large sets as the platform’s exporter does, image by image', async () => {
  const { splits } = await splitDataset(reader(images(1500)))
  for (const [path, split] of splits) expect(split).toBe(hashSplit(path))
})

test('keeps the splits in the file and assigns the others', async () => {
  const records = images(20, (index) => (index < 10 ? { split: 'test' } : {}))
  const { splits, kept, assigned, images: counts } = await splitDataset(reader(records))
  expect({ kept, assigned }).toEqual({ kept: 10, assigned: 10 })
  for (const { path, split } of records) if (split) expect(splits.get(path)).toBe(split)
  expect(counts).toMatchObject({ test: 10 })
  const again = await splitDataset(reader(records), { keep: false })
  expect(again.images).toEqual({ train: 14, val: 4, test: 2 })
})

test('another seed gives another split, and the same seed the same split', async () => {
  const split = async (seed: string) => [...(await splitDataset(reader(images(50)), { seed })).splits]
  expect(await split('a')).toEqual(await split('a'))
  expect(await split('a')).not.toEqual(await split('b'))
})

test('the order of the images does not matter', () => {
  const items = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 30 })
  const options = { ratios: { train: 0.5, val: 0.3, test: 0.2 }, seed: '', exactBelow: 1000 }
  fc.assert(
    fc.property(items, fc.boolean(), (keys, stratify) => {
      const toItems = (list: string[]) => list.map((key) => ({ key, size: 1, labels: new Map([[key.length % 3, 1]]) }))
      const [there, back] = [toItems(keys), toItems([...keys].reverse())]
      const sorted = (splits: Map<string, string>) => [...splits].sort()
      expect(sorted(assignSplits(there, { ...options, stratify }))).toEqual(
        sorted(assignSplits(back, { ...options, stratify })),
      )
    }),
  )
})

test('with stratify, every class keeps the ratios within one image', async () => {
  const records = images(300, (index) => shows(index < 200 ? 0 : index < 290 ? 1 : 2))
  const { classes, warnings } = await splitDataset(reader(records, ['a', 'b', 'c']), { stratify: true })
  expect(classes.map((item) => item.images)).toEqual([
    { train: 140, val: 40, test: 20 },
    { train: 63, val: 18, test: 9 },
    { train: 7, val: 2, test: 1 },
  ])
  expect(warnings).toEqual([])
})

test('a group with images in test gets all its images there', async () => {
  const records = ['a-1', 'a-2', 'b-1', 'b-2'].map((name) =>
    imageRecord(`${name}.png`, name === 'a-1' ? { split: 'test' } : {}),
  )
  const { splits } = await splitDataset(reader(records), { groupBy: /^(\w)-/ })
  expect(splits.get('a-2.png')).toBe('test')
  expect(splits.get('b-1.png')).toBe(splits.get('b-2.png'))
})

test('refuses ratios that do not add up to 1', async () => {
  await expect(splitDataset(reader([]), { ratios: { train: 7, val: 2, test: 1 } })).rejects.toThrow(
    /7 \/ 2 \/ 1; expected/,
  )
})

test('a reader with other splits gives them to its records', async () => {
  const records = images(2)
  const seen: unknown[] = []
  for await (const record of withSplits(reader(records), new Map([['1.png', 'val']])).images()) seen.push(record.split)
  expect(seen).toEqual([undefined, 'val'])
})

describe('with stratify, from 1,000 images on', () => {
  // Five classes of very different sizes, some images with two.
  const classesOf = (index: number) => [index % 50 === 0 ? 3 : index % 7 === 0 ? 2 : index % 3 === 0 ? 1 : 0]
  const rare = (index: number) => (index % 400 === 3 ? [4] : [])
  const many = (count: number, name = 'img') =>
    Array.from({ length: count }, (_, index) =>
      imageRecord(`${name}${index}.png`, shows(...classesOf(index), ...rare(index))),
    )
  const names = ['a', 'b', 'c', 'd', 'e']
  const split = async (records: ReturnType<typeof many>, seed: string) =>
    splitDataset(reader(records, names), { stratify: true, seed })
  const moved = (before: Map<string, string>, after: Map<string, string>) =>
    [...before].filter(([path, own]) => after.get(path) !== own).length

  test.each(['', 'a', 'b', 'c', 'd', 'e', 'f', 'g'])(
    'one more image moves at most one other (seed "%s")',
    async (seed) => {
      const records = many(1000)
      const before = await split(records, seed)
      for (let extra = 0; extra < 5; extra++) {
        const added = imageRecord(`new${extra}.png`, shows(extra))
        expect(moved(before.splits, (await split([...records, added], seed)).splits)).toBeLessThanOrEqual(1)
      }
    },
  )

  test.each(['', 'a', 'b', 'c'])(
    '5 % more images move no other, but of classes that are that rare (seed "%s")',
    async (seed) => {
      const records = many(1000)
      const before = await split(records, seed)
      const after = await split([...records, ...many(50, 'new')], seed)
      const common = records.filter(({ annotations }) => annotations.every(({ classId }) => classId !== 4))
      expect(common.filter(({ path }) => before.splits.get(path) !== after.splits.get(path))).toEqual([])
      expect(moved(before.splits, after.splits)).toBeLessThanOrEqual(1)
    },
  )

  test('no class is further from its share than chance explains, and a rare one is in train and val', async () => {
    for (const seed of ['', 'a', 'b', 'c', 'd', 'e']) {
      const { classes } = await split(many(2000), seed)
      for (const { images: own } of classes) {
        const total = own.train + own.val + own.test
        for (const [name, ratio] of [
          ['train', 0.7],
          ['val', 0.2],
          ['test', 0.1],
        ] as const)
          expect(own[name]).toBeGreaterThanOrEqual(
            Math.floor(total * ratio - 3 * Math.sqrt(total * ratio * (1 - ratio))),
          )
        expect(Math.min(own.train, own.val)).toBeGreaterThanOrEqual(1)
      }
    }
  })

  test('new images complete the ratios of every class, when the splits of an earlier run are given', async () => {
    for (const seed of ['', 'a', 'b', 'c']) {
      const first = await split(many(1000), seed)
      const grown = { stratify: true, seed, previous: first.splits }
      const { splits, classes } = await splitDataset(reader([...many(1000), ...many(1000, 'new')], names), grown)
      expect(moved(first.splits, splits)).toBe(0)
      for (const { images: own } of classes) {
        const total = own.train + own.val + own.test
        for (const [name, ratio] of [
          ['train', 0.7],
          ['val', 0.2],
          ['test', 0.1],
        ] as const)
          expect(Math.abs(own[name] - total * ratio)).toBeLessThanOrEqual(2)
      }
    }
  })

  test('the splits of an earlier run are kept, and new images complete the ratios', async () => {
    const first = await splitDataset(reader(many(300), names), { stratify: true })
    const again = await splitDataset(reader([...many(300), ...many(30, 'new')], names), {
      stratify: true,
      previous: first.splits,
    })
    expect(moved(first.splits, again.splits)).toBe(0)
    for (const [name, share] of [
      ['train', 231],
      ['val', 66],
      ['test', 33],
    ] as const)
      expect(Math.abs(again.images[name] - share)).toBeLessThanOrEqual(2)
  })
})

test('a key that groups no image is an error', async () => {
  await expect(splitDataset(reader(images(5)), { groupBy: /^vidoe(\d+)_/ })).rejects.toThrow(
    /Grouping by \/\^vidoe\(\\d\+\)_\/ matches none of the 5 images; the first path is/,
  )
})

test.each([20, 2000])('a group that is larger than a split goes to the largest split (%i images)', async (count) => {
  for (const seed of ['', 'a', 'b', 'c', 'd', 'e']) {
    const records = Array.from({ length: count }, (_, index) =>
      imageRecord(index < count * 0.4 ? `big_${index}.png` : `${index}.png`),
    )
    const { splits } = await splitDataset(reader(records), { groupBy: /^(big)_/, seed })
    expect(splits.get('big_0.png')).toBe('train')
  }
})

test('images with the same bytes stay together, and those of the same size only do not', async () => {
  using folder = temporaryFolder(
    Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`${index}.png`, `picture ${index % 30}`.padEnd(12)])),
  )
  const records = Array.from({ length: 60 }, (_, index) =>
    imageRecord(`${index}.png`, { file: join(folder.dir, `${index}.png`) }),
  )
  const { splits } = await splitDataset(reader(records))
  for (let index = 0; index < 30; index++) expect(splits.get(`${index}.png`)).toBe(splits.get(`${index + 30}.png`))
  expect(new Set(splits.values()).size).toBe(3)
  const apart = await splitDataset(reader(records), { sameBytes: false })
  const torn = Array.from({ length: 30 }, (_, index) => index).filter(
    (index) => apart.splits.get(`${index}.png`) !== apart.splits.get(`${index + 30}.png`),
  )
  expect(torn.length).toBeGreaterThan(0)
})
