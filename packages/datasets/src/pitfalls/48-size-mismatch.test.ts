import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, image, read } from '../testing/coco-dataset.ts'
import { createPng } from '../testing/test-dataset.ts'

describe('pitfall 48: images that were resized or cropped after they were annotated', () => {
  it('are an error with both sizes', async () => {
    const images = [image(1, { file_name: '1.png' })]
    const source = createFiles({
      'instances_train.json': coco([{ bbox: [1, 2, 3, 4] }], { images }),
      '1.png': createPng(50, 25),
    })
    await expect(convert(source, 'yolo', { images: 'copy' })).rejects.toThrow(
      'Image "1.png" is 50 × 25 pixels, but the dataset says 100 × 50',
    )
  })

  it('lose a mask of another size than the image, and keep the box', async () => {
    const segmentation = { size: [100, 50], counts: [0, 10, 4990] }
    const { annotations, reader } = await read(
      createFiles({ 'a.json': coco([{ bbox: [1, 2, 3, 4], segmentation }]) }),
      'coco',
    )
    expect(annotations[0]).toMatchObject({ kind: 'box', bbox: [1, 2, 3, 4] })
    expect(reader.losses?.list()).toEqual([
      {
        reason: 'mask-size-mismatch',
        count: 1,
        examples: ['annotations[0] in a.json: a mask of 50 × 100 on an image of 100 × 50'],
      },
    ])
  })
})
