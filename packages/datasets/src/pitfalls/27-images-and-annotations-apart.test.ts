import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, image } from '../testing/coco-dataset.ts'

const bbox = [10, 10, 20, 20]

describe('pitfall 27: annotations without image, images without annotation', () => {
  it('counts annotations of missing images, wherever they are in the file', async () => {
    const { images, ...rest } = coco([{ image_id: 7, bbox }, { bbox }, { image_id: null, bbox }])
    for (const file of [
      { images, ...rest },
      { ...rest, images },
    ]) {
      const { report, count } = await convert(createFiles({ 'instances_train.json': file }), 'yolo')
      expect(report.annotations).toBe(1)
      expect(count('annotation-of-missing-image')).toBe(2)
      expect(report.losses.find(({ reason }) => reason === 'annotation-of-missing-image')?.examples).toEqual([
        'annotations[0] in instances_train.json',
        'annotations[2] in instances_train.json',
      ])
    }
  })

  it('keeps images without annotations as background, with an empty label file', async () => {
    const file = coco([{ bbox }], { images: [image(1), image(2)] })
    const { report, text } = await convert(createFiles({ 'instances_train.json': file }), 'yolo')
    expect(report.images).toBe(2)
    expect(text('labels/train/2.txt')).toBe('')
  })

  it('keeps the background markers of DICE', async () => {
    const marker = { id: 5, image_id: 2, class_id: -1, class_name: '__background__', is_background: true }
    const source = createFiles({
      'annotations_detection.json': {
        format_version: '1.0',
        task_type: 'object_detection',
        classes: [{ id: 0, name: 'cat' }],
        images: [image(1, { annotations: [] }), image(2, { annotations: [marker] })],
      },
    })
    const { json } = await convert(source, 'dice')
    const { images } = json<{ images: { annotations: object[] }[] }>('annotations_detection.json')
    expect(images.map(({ annotations }) => annotations)).toEqual([[], [marker]])
  })
})
