import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, image, read } from '../testing/coco-dataset.ts'

const bbox = [10, 10, 20, 20]

describe('pitfall 26: two entries for one image', () => {
  it('become one image with the annotations of both', async () => {
    const file = coco(
      [
        { image_id: 1, bbox },
        { image_id: 2, bbox: [50, 10, 20, 20] },
      ],
      { images: [image(1), image(2, { file_name: '1.jpg' }), image(1)] },
    )
    const { report, text, count } = await convert(createFiles({ 'instances_train.json': file }), 'yolo')
    expect(report.images).toBe(1)
    expect(count('image-duplicate')).toBe(2)
    expect(text('labels/train/1.txt')).toBe('0 0.2 0.4 0.2 0.4\n0 0.6 0.4 0.2 0.4\n')
  })

  it('are an error when one id has two files', async () => {
    const file = coco([], { images: [image(1), image(1, { file_name: 'other.jpg' })] })
    await expect(read(createFiles({ 'a.json': file }), 'coco')).rejects.toThrow(
      'images[1] in a.json has the id 1; expected a unique id, but another image has it too',
    )
  })

  it('do not make label files grow when the conversion runs again', async () => {
    const source = createFiles({ 'instances_train.json': coco([{ bbox }]) })
    const first = await convert(source, 'yolo')
    const second = await convert(source, 'yolo', { target: first.dir, force: true })
    expect(second.text('labels/train/1.txt')).toBe('0 0.2 0.4 0.2 0.4\n')
  })
})
