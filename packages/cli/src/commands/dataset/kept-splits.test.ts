import { join } from 'node:path'
import { temporaryFolder } from '@trainyard/datasets/testing'
import { expect, test } from 'vitest'
import { type RunOptions, runCommand } from '../../testing/run-command.ts'

const run = (args: string[], options: RunOptions = {}) => runCommand(['dataset', ...args], options)

/** One image for each row of labels, without files: a class is frequent, or has a few images. */
const longTail = (count: number, name = '') => {
  const images = Array.from({ length: count }, (_, index) => ({
    id: `${name}${index}`,
    file_name: `${name}${index}.png`,
    width: 40,
    height: 30,
  }))
  const annotations = images.map(({ id }, index) => ({
    id,
    image_id: id,
    // Zipf's law: class k has a kth of the images of class 1.
    category_id: Math.floor(200 ** (((index * 7919) % 1009) / 1009)),
    bbox: [1, 1, 5, 5],
    area: 25,
    iscrowd: 0,
  }))
  return { images, annotations }
}
const coco = (...parts: ReturnType<typeof longTail>[]) => ({
  images: parts.flatMap(({ images }) => images),
  annotations: parts.flatMap(({ annotations }) => annotations),
  categories: Array.from({ length: 200 }, (_, id) => ({ id: id + 1, name: `class ${id}` })),
})
const moved = (before: Record<string, string>, after: Record<string, string>) =>
  Object.keys(before).filter((path) => after[path] !== before[path])

test.each([100, 990, 1000])('none of %i images moves, whatever is added, and new ones get a split', async (count) => {
  using folder = temporaryFolder({ 'data/annotations/all.json': JSON.stringify(coco(longTail(count))) })
  for (const choices of [
    ['--stratify'],
    ['--stratify', '--exact'],
    ['--stratify', '--seed', 'b'],
    ['--group-by', 're:^\\d?\\d'],
    [],
  ]) {
    folder.write('data/annotations/all.json', JSON.stringify(coco(longTail(count))))
    const split = async () => {
      const { out, err } = await run(['split', 'data', ...choices, '--json'], { cwd: folder.dir })
      expect(err).toBe('')
      return JSON.parse(out)
    }
    const before = await split()
    expect(before.record).toBe(join(folder.dir, 'data/.trainyard-splits.json'))
    for (const added of [[longTail(1, 'a')], [longTail(count / 20, 'b')], [longTail(count, '0'), longTail(3, 'z')]]) {
      folder.write('data/annotations/all.json', JSON.stringify(coco(...added, longTail(count))))
      const after = await split()
      expect(moved(before.splits, after.splits)).toEqual([])
      expect(Object.keys(after.splits).length).toBeGreaterThan(count)
    }
  }
})

test('a folder that is written takes over what was shown before, and an image that returns has its old split', async () => {
  using folder = temporaryFolder({ 'data/annotations/all.json': JSON.stringify(coco(longTail(100))) })
  const shown = await run(['split', 'data', '--stratify'], { cwd: folder.dir })
  expect(shown.out).toContain(
    `recorded in ${join('data', '.trainyard-splits.json')}; the next run with the same options moves none of these images`,
  )
  const before = JSON.parse((await run(['split', 'data', '--stratify', '--json'], { cwd: folder.dir })).out)
  folder.write('data/annotations/all.json', JSON.stringify(coco(longTail(90), longTail(50, 'a'))))
  const { out } = await run(['split', 'data', 'out', '--stratify', '--to', 'dice'], { cwd: folder.dir })
  expect(out).toContain('90 images keep their split, 50 get one')
  folder.write('data/annotations/all.json', JSON.stringify(coco(longTail(100), longTail(50, 'a'))))
  await run(['split', 'data', '--stratify'], { cwd: folder.dir })
  const after = JSON.parse((await run(['split', 'data', '--stratify', '--json'], { cwd: folder.dir })).out)
  expect(moved(before.splits, after.splits)).toEqual([])
})

test('the record of a file lies beside it, and is for this file alone', async () => {
  using folder = temporaryFolder({
    'one.json': JSON.stringify(coco(longTail(20))),
    'two.json': JSON.stringify(coco(longTail(20))),
  })
  const kept = async (file: string) =>
    JSON.parse((await run(['split', file, '--json'], { cwd: folder.dir })).out).kept as number
  expect([await kept('one.json'), await kept('two.json')]).toEqual([0, 0])
  expect([await kept('one.json'), await kept('two.json')]).toEqual([20, 20])
})

test.each(['{"records": [{"choi', '', 'null', '{"records": 7}'])(
  'a damaged record is an error, because images would move: %j',
  async (text) => {
    using folder = temporaryFolder({
      'data/annotations/all.json': JSON.stringify(coco(longTail(20))),
      'data/.trainyard-splits.json': text,
    })
    const { code, err } = await run(['split', 'data'], { cwd: folder.dir })
    expect(code).toBe(2)
    expect(err).toMatch(/\.trainyard-splits\.json is damaged.*restore it.*--no-record, or delete it/)
    expect((await run(['split', 'data', '--no-record'], { cwd: folder.dir })).code).toBe(0)
  },
)

test('a record of another dataset is a warning, and is kept for its images', async () => {
  using folder = temporaryFolder({ 'data/annotations/all.json': JSON.stringify(coco(longTail(20))) })
  await run(['split', 'data'], { cwd: folder.dir })
  folder.write('data/annotations/all.json', JSON.stringify(coco(longTail(20, 'a'))))
  const { code, err } = await run(['split', 'data'], { cwd: folder.dir })
  expect([code, err]).toEqual([0, expect.stringMatching(/names none of these images: is it the record of another/)])
  expect((await run(['split', 'data'], { cwd: folder.dir })).err).toBe('')
})

test('a record that cannot be written is a warning', async () => {
  using folder = temporaryFolder({
    'data/annotations/all.json': JSON.stringify(coco(longTail(20))),
    'data/.trainyard-splits.json/x': '',
  })
  const { code, out, err } = await run(['split', 'data'], { cwd: folder.dir })
  expect(code).toBe(0)
  expect(err).toMatch(/warning: the splits cannot be recorded in .*\.trainyard-splits\.json \(EISDIR.*; use --json/)
  expect(out).toContain('images that are added can move others')
  expect((await run(['split', 'data', '--no-record'], { cwd: folder.dir })).err).toBe('')
})
