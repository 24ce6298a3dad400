import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, image, read } from '../testing/coco-dataset.ts'

const dice = (images: object[]) => ({
  format_version: '1.0',
  task_type: 'object_detection',
  classes: [{ id: 0, name: 'cat' }],
  images,
})
const box = [{ class_id: 0, bbox: [10, 10, 20, 20] }]

describe('pitfall 38: the split in the file', () => {
  it('is used, and test images never end in val', async () => {
    const images = (['train', 'val', 'test'] as const).map((split, id) => image(id, { split, annotations: box }))
    const source = createFiles({ 'annotations_detection.json': dice(images) })
    const { report, files } = await convert(source, 'yolo')
    expect(report.splits).toMatchObject({ train: { images: 1 }, val: { images: 1 }, test: { images: 1 } })
    expect(Object.keys(files()).filter((path) => path.startsWith('labels/'))).toEqual([
      'labels/test/2.txt',
      'labels/train/0.txt',
      'labels/val/1.txt',
    ])
    expect(report.losses.map(({ reason }) => reason)).not.toContain('split-changed')
  })

  it('costs the image when it is unknown, because any other split can be wrong', async () => {
    const source = createFiles({
      'annotations_detection.json': dice([
        image(1, { split: 'holdout', annotations: [] }),
        image(2, { annotations: [] }),
      ]),
    })
    const { records, reader } = await read(source, 'dice')
    expect(records.map(({ id }) => id)).toEqual([2])
    expect(reader.losses?.list()).toContainEqual({
      reason: 'image-invalid',
      count: 1,
      examples: ['images[0].split in annotations_detection.json must be one of "train", "val", "test" (got "holdout")'],
    })
  })

  it.each([
    ['annotations/instances_train2017.json', 'train'],
    ['annotations/instances_val2017.json', 'val'],
    ['annotations/person_keypoints_test.json', 'test'],
    ['valid/_annotations.coco.json', 'val'],
    ['test/_annotations.coco.json', 'test'],
    ['instances_default.json', undefined],
    ['trainyard.json', undefined],
  ])('is recognised by the name of %s', async (path, split) => {
    const { records } = await read(createFiles({ [path]: coco([{ bbox: [1, 1, 9, 9] }]) }), 'coco')
    expect(records.map((record) => record.split)).toEqual([split])
  })

  it('is kept in COCO, in a file for each split', async () => {
    const images = (['train', 'val', 'test'] as const).map((split, id) => image(id, { split, annotations: box }))
    const { dir } = await convert(createFiles({ 'annotations_detection.json': dice(images) }), 'coco')
    const { records } = await read(dir, 'coco')
    expect(records.map(({ path, split }) => [path, split])).toEqual([
      ['2.jpg', 'test'],
      ['0.jpg', 'train'],
      ['1.jpg', 'val'],
    ])
  })
})
