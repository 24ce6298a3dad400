import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataset } from '../open/open-dataset.ts'
import { plainPng, readAll, temporaryFolder } from '../testing/dataset-formats.ts'
import { convertDataset } from './convert-dataset.ts'
import { mergeDatasets } from './merge-datasets.ts'

const coco = (names: string[], annotations: { image: number; category: number; x: number }[], images: string[]) =>
  JSON.stringify({
    images: images.map((file_name, id) => ({ id, file_name, width: 40, height: 30 })),
    categories: names.map((name, id) => ({ id, name })),
    annotations: annotations.map(({ image, category, x }, id) => ({
      id,
      image_id: image,
      category_id: category,
      bbox: [x, 2, 8, 6],
      area: 48,
      iscrowd: 0,
    })),
  })

/** `b.png` of the second dataset has the bytes of the first one's `a.png`. */
const twoDatasets = (x = 1) =>
  temporaryFolder({
    'day/annotations.json': coco(['car'], [{ image: 0, category: 0, x: 1 }], ['a.png']),
    'day/a.png': plainPng(40, 30, [1, 2, 3]),
    'night/annotations.json': coco(
      ['auto', 'bus'],
      [
        { image: 0, category: 0, x: 3 },
        { image: 1, category: 0, x },
      ],
      ['a.png', 'b.png'],
    ),
    'night/a.png': plainPng(40, 30, [4, 5, 6]),
    'night/b.png': plainPng(40, 30, [1, 2, 3]),
  })

test('two datasets become one on disk: renamed classes, names kept apart, copies left out and counted', async () => {
  using folder = twoDatasets(5)
  const at = (name: string) => join(folder.dir, name)
  const options = { sources: [at('day'), at('night')], target: at('both'), rename: { auto: 'car' } }
  const report = await mergeDatasets({ ...options, to: 'yolo' })
  expect(report).toMatchObject({ images: 2, annotations: 2, isUnchanged: false })
  expect(report.classes.map(({ name, annotations }) => [name, annotations])).toEqual([
    ['car', 2],
    ['bus', 0],
  ])
  expect(report.losses).toContainEqual({
    reason: 'image-duplicate',
    count: 1,
    examples: ['night/b.png has the bytes of day/a.png, whose objects differ'],
  })
  const { records } = await readAll(await openDataset(at('both')))
  expect(records.map(({ path }) => path.replace(/^images\/\w+\//, '')).sort()).toEqual(['a.png', 'night/a.png'])
  expect((await mergeDatasets({ ...options, to: 'yolo' })).isUnchanged).toBe(true)
})

test('copies with the same objects are said to have them', async () => {
  using folder = twoDatasets()
  const at = (name: string) => join(folder.dir, name)
  const rename = { auto: 'car' }
  const { losses } = await mergeDatasets({ sources: [at('day'), at('night')], target: at('both'), to: 'coco', rename })
  expect(losses.find(({ reason }) => reason === 'image-duplicate')?.examples).toEqual([
    'night/b.png has the bytes of day/a.png',
  ])
})

test('a merge that fails writes nothing', async () => {
  using folder = twoDatasets()
  const at = (name: string) => join(folder.dir, name)
  const merge = (sources: string[]) => mergeDatasets({ sources, target: at('both'), to: 'coco' })
  await expect(merge([at('day')])).rejects.toThrow('at least two datasets, got 1')
  await expect(merge([at('day'), at('nope')])).rejects.toThrow('nope')
  await expect(mergeDatasets({ sources: [at('day'), at('night')], target: at('day/out'), to: 'coco' })).rejects.toThrow(
    'overlap',
  )
  expect(existsSync(at('both'))).toBe(false)
})

test('an edit is part of what makes a conversion the same', async () => {
  using folder = twoDatasets()
  const [source, target] = [join(folder.dir, 'night'), join(folder.dir, 'out')]
  const write = (name: string) => convertDataset({ source, target, to: 'coco', edit: { rename: { auto: name } } })
  expect((await write('car')).classes[0]?.name).toBe('car')
  expect((await write('car')).isUnchanged).toBe(true)
  const other = await write('vehicle')
  expect([other.isUnchanged, other.classes[0]?.name]).toEqual([false, 'vehicle'])
})
