import type { Sample } from '@trainyard/sdk'
import { expect, test } from 'vitest'
import { splitSamples } from './split-samples.ts'

const samples = (count: number, split: Sample['split'], classId = 0): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ path: `${split}${i}`, name: `${split}${i}`, classId, split }))

test('keeps the splits of the dataset and leaves out what has no class', () => {
  const result = splitSamples({
    classes: [],
    samples: [...samples(30, 'train'), ...samples(5, 'val'), ...samples(7, 'test'), ...samples(2, 'train', -1)],
  })
  expect([result.train.length, result.val.length, result.test.length]).toEqual([30, 5, 7])
  expect(result).toMatchObject({ valFrom: 'val', unlabelled: 2 })
})

test('holds training images out where there are none to validate on', () => {
  const result = splitSamples({ classes: [], samples: samples(100, 'train') })
  expect(result).toMatchObject({ valFrom: 'part-of-train' })
  expect([result.train.length, result.val.length]).toEqual([90, 10])
  expect(result.train.some((sample) => result.val.includes(sample))).toBe(false)
})

test('validates on the training images when there are only a few', () => {
  const result = splitSamples({ classes: [], samples: samples(3, 'train') })
  expect(result).toMatchObject({ valFrom: 'train' })
  expect(result.val).toBe(result.train)
})

test('refuses a dataset without a labelled training image and says what it has', () => {
  expect(() => splitSamples({ classes: [], samples: [...samples(2, 'train', -1), ...samples(1, 'val')] })).toThrow(
    /no labelled training image \(3 images, 2 without a class, 1 for validation/,
  )
})
