import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, image, read } from '../testing/coco-dataset.ts'
import { createPng } from '../testing/test-dataset.ts'

describe('pitfall 48: images that were resized or cropped after they were annotated', () => {
  const images = [1, 2].map((id) => image(id, { file_name: `${id}.png` }))
  const annotations = coco([{ bbox: [1, 2, 3, 4] }, { image_id: 2, bbox: [1, 2, 3, 4] }], { images })
  const why = 'Image "1.png" is 50 × 25 pixels, but the dataset says 100 × 50'

  it('are left out and counted with both sizes, and stop a conversion with strict', async () => {
    const files = { 'instances_train.json': annotations, '1.png': createPng(50, 25), '2.png': createPng(100, 50) }
    const source = createFiles(files)
    const { report } = await convert(source, 'yolo', { images: 'copy' })
    expect(report.images).toBe(1)
    expect(report.losses).toContainEqual({ reason: 'image-size-mismatch', count: 1, examples: [why] })
    await expect(convert(source, 'yolo', { images: 'copy', strict: true })).rejects.toThrow(why)
  })

  it('are an error with both sizes where no image is left', async () => {
    const source = createFiles({
      'instances_train.json': annotations,
      '1.png': createPng(50, 25),
      '2.png': createPng(2, 1),
    })
    await expect(convert(source, 'yolo', { images: 'copy' })).rejects.toThrow(why)
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
