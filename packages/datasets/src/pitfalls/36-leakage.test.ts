import { expect, it } from 'vitest'
import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { type GroupBy, roboflowSource } from '../splits/group-images.ts'
import { splitDataset } from '../splits/split-dataset.ts'
import { imageRecord } from '../testing/dataset-formats.ts'

function reader(records: ImageRecord[]): DatasetReader {
  return {
    format: 'coco',
    taskType: 'detection',
    classes: [],
    async *images() {
      yield* records
    },
  }
}

const hash = (seed: number) => seed.toString(16).padStart(2, '0').repeat(16)

it('pitfall 36: copies that Roboflow made of one image stay together', async () => {
  const records = Array.from({ length: 40 }, (_, original) =>
    [0, 1, 2].map((copy) => imageRecord(`train/images/cat${original}_jpg.rf.${hash(original * 3 + copy)}.jpg`)),
  ).flat()
  const { splits, images } = await splitDataset(reader(records), { groupBy: 'roboflow' })
  for (let original = 0; original < 40; original++) {
    const own = records
      .filter(({ path }) => roboflowSource(path) === `cat${original}_jpg`)
      .map(({ path }) => splits.get(path))
    expect(own).toHaveLength(3)
    expect(new Set(own).size).toBe(1)
  }
  expect(images).toEqual({ train: 84, val: 24, test: 12 })
  // Without groups some copies are separated: the test can fail.
  const torn = await splitDataset(reader(records))
  expect(
    records.some(
      ({ path }, index) => torn.splits.get(path) !== torn.splits.get(records[index - (index % 3)]?.path ?? ''),
    ),
  ).toBe(true)
})

it.each<[string, GroupBy]>([
  ['an expression on the path', /^(video\d+)_/],
  ['a field of the image', { attribute: 'metadata.patient' }],
])('pitfall 36: images are kept together by %s, also with stratify', async (_what, groupBy) => {
  const records = Array.from({ length: 60 }, (_, index) =>
    imageRecord(`video${index % 12}_${index}.jpg`, {
      attributes: { metadata: { patient: index % 12 } },
      annotations: [{ kind: 'class', classId: index % 3 }],
    }),
  )
  for (const stratify of [false, true]) {
    const { splits } = await splitDataset(reader(records), { groupBy, stratify })
    for (let group = 0; group < 12; group++) {
      const own = records.filter((_, index) => index % 12 === group).map(({ path }) => splits.get(path))
      expect(new Set(own).size).toBe(1)
    }
    // 20 images of a class in groups of 5 leave none for test when they are stratified.
    expect([...new Set(splits.values())].sort()).toEqual(stratify ? ['train', 'val'] : ['test', 'train', 'val'])
  }
})

it('pitfall 36: groups that are in several splits of the dataset are reported', async () => {
  const records = [
    imageRecord(`a_jpg.rf.${hash(1)}.jpg`, { split: 'train' }),
    imageRecord(`a_jpg.rf.${hash(2)}.jpg`, { split: 'test' }),
    imageRecord(`a_jpg.rf.${hash(3)}.jpg`),
  ]
  const { leaks, warnings, splits } = await splitDataset(reader(records), { groupBy: 'roboflow' })
  expect(leaks).toEqual([{ group: 'a_jpg', splits: ['train', 'test'] }])
  expect(warnings.join('\n')).toContain('1 group is in several splits')
  // Test images must not be trained on.
  expect(splits.get(records[2]?.path ?? '')).toBe('test')
})
