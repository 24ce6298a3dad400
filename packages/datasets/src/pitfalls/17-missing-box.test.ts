import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, read, SQUARE, SQUARE_BOX } from '../testing/coco-dataset.ts'

describe('pitfall 17: a box that is missing or does not match its object', () => {
  it.each([
    ['missing', undefined],
    ['empty', []],
    ['null', null],
    ['at another position', [60, 5, 10, 10]],
  ])('is replaced by the box of the outline when it is %s', async (_what, bbox) => {
    const dir = createFiles({ 'a.json': coco([{ segmentation: SQUARE, bbox }]) })
    const { annotations, reader } = await read(dir, 'coco')
    expect(annotations[0]?.bbox).toEqual(SQUARE_BOX)
    expect(reader.losses?.count('box-derived')).toBe(1)
  })

  it('is replaced by the box of the outline for detection too', async () => {
    const dir = createFiles({ 'instances_train.json': coco([{ segmentation: SQUARE }]) })
    const { text } = await convert(dir, 'yolo', { task: 'detection' })
    expect(text('labels/train/1.txt')).toBe('0 0.2 0.4 0.2 0.4\n')
  })

  it('is the box of the labelled keypoints when there is no other geometry', async () => {
    const keypoints = [10, 20, 2, 0, 0, 0, 30, 25, 1]
    const { annotations } = await read(createFiles({ 'a.json': coco([{ keypoints }]) }), 'coco')
    expect(annotations[0]?.bbox).toEqual([10, 20, 20, 5])
  })

  it('is kept when it is only rounded', async () => {
    const bbox = [9, 11, 21, 19]
    const { annotations, reader } = await read(
      createFiles({ 'a.json': coco([{ bbox, segmentation: SQUARE }]) }),
      'coco',
    )
    expect(annotations[0]?.bbox).toEqual(bbox)
    expect(reader.losses?.list()).toEqual([])
  })
})
