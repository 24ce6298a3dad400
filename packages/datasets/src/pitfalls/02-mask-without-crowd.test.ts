import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, read, SQUARE, SQUARE_BOX } from '../testing/coco-dataset.ts'

// Rows 10 to 29 of the columns 10 to 29, column by column.
const counts = [510, 20, ...Array.from({ length: 19 }, () => [30, 20]).flat(), 100 * 50 - 530 - 19 * 50]
const mask = { size: [50, 100], counts }

describe('pitfall 02: a mask is recognised by its type, not by iscrowd', () => {
  it('reads a mask of a single object', async () => {
    const dir = createFiles({ 'a.json': coco([{ iscrowd: 0, segmentation: mask }]) })
    const { annotations } = await read(dir, 'coco')
    expect(annotations[0]).toMatchObject({ kind: 'mask', rle: { height: 50, width: 100, counts }, bbox: SQUARE_BOX })
    expect(annotations[0]?.isCrowd).toBeUndefined()
  })

  it('reads polygons of a crowd', async () => {
    const dir = createFiles({ 'a.json': coco([{ iscrowd: 1, segmentation: SQUARE, bbox: SQUARE_BOX }]) })
    expect((await read(dir, 'coco')).annotations[0]).toMatchObject({ kind: 'polygon', polygons: SQUARE, isCrowd: true })
  })

  it('becomes an outline for YOLO, not a box', async () => {
    const dir = createFiles({ 'instances_train.json': coco([{ iscrowd: 0, segmentation: mask, bbox: SQUARE_BOX }]) })
    const { text, count } = await convert(dir, 'yolo')
    expect(text('labels/train/1.txt')).toBe('0 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n')
    expect(count('polygon-from-mask')).toBe(1)
  })
})
