import { expect, it } from 'vitest'
import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { splitDataset } from '../splits/split-dataset.ts'
import { classesNamed, imageRecord } from '../testing/dataset-formats.ts'

function reader(records: ImageRecord[], classes: number): DatasetReader {
  return {
    format: 'coco',
    taskType: 'detection',
    classes: classesNamed(...Array.from({ length: classes }, (_, id) => `class ${id}`)),
    async *images() {
      yield* records
    },
  }
}

const shows = (...classIds: number[]) => ({
  annotations: classIds.map((classId) => ({
    kind: 'box' as const,
    classId,
    bbox: [0, 0, 5, 5] as [number, number, number, number],
  })),
})

it('pitfall 39: images with several classes are split so that every class keeps the ratios', async () => {
  // Class k is in every image whose number is divisible by k + 1: from 990 images down to 124.
  const records = Array.from({ length: 990 }, (_, index) =>
    imageRecord(
      `${index}.jpg`,
      shows(...Array.from({ length: 8 }, (_unused, id) => id).filter((id) => index % (id + 1) === 0)),
    ),
  )
  const { classes, images } = await splitDataset(reader(records, 8), { stratify: true })
  for (const { images: own } of classes) {
    const total = own.train + own.val + own.test
    expect(Math.abs(own.train / total - 0.7)).toBeLessThan(0.02)
    expect(Math.abs(own.val / total - 0.2)).toBeLessThan(0.02)
    expect(Math.abs(own.test / total - 0.1)).toBeLessThan(0.02)
  }
  expect(Math.abs(images.train - 693)).toBeLessThanOrEqual(10)
})

it('pitfall 39: a class with one image goes to train, with a warning', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const records = Array.from({ length: 50 }, (_, index) =>
      imageRecord(`${index}.jpg`, shows(...(index === 17 ? [0, 1] : [0]))),
    )
    const { classes, warnings } = await splitDataset(reader(records, 2), { stratify: true, seed: String(seed) })
    expect(classes[1]?.images).toEqual({ train: 1, val: 0, test: 0 })
    expect(warnings).toEqual(['Class "class 1" (1 image) has no image in val'])
  }
})

it('pitfall 39: images without objects keep the ratios too', async () => {
  const records = Array.from({ length: 100 }, (_, index) => imageRecord(`${index}.jpg`, index < 50 ? shows(0) : {}))
  const { splits } = await splitDataset(reader(records, 1), { stratify: true })
  const background = records.slice(50).map(({ path }) => splits.get(path))
  expect(background.filter((split) => split === 'val')).toHaveLength(10)
  expect(background.filter((split) => split === 'test')).toHaveLength(5)
})
