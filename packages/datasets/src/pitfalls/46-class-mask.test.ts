import { encode } from 'fast-png'
import { expect, it } from 'vitest'
import { readClassMask } from '../formats/class-mask/read.ts'
import { decodeMask } from '../geometry/rle.ts'
import { LossCounter } from '../report/loss-counter.ts'
import { createJpeg } from '../testing/test-images.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

const rows = ['000000002', '011111002', '010001000', '010301007', '010001000', '011111000', '000000005']
const data = Uint8Array.from(rows.join(''), Number)
const mask = Buffer.from(encode({ width: 9, height: 7, channels: 1, depth: 8, data }))
// 255 is the border in VOC.
data[8] = 2

it('pitfall 46: each connected part of a class is an object with its holes and exactly its pixels', () => {
  const losses = new LossCounter()
  const classes = new Map([
    [1, 0],
    [2, 1],
    [3, 0],
    [5, 2],
  ])
  const { annotations } = readClassMask(mask, 'mask.png', { classes, losses })
  expect(annotations.map(({ classId, bbox, area }) => ({ classId, bbox, area }))).toEqual([
    { classId: 0, bbox: [1, 1, 5, 5], area: 16 },
    { classId: 1, bbox: [8, 0, 1, 2], area: 2 },
    { classId: 0, bbox: [3, 3, 1, 1], area: 1 },
    { classId: 2, bbox: [8, 6, 1, 1], area: 1 },
  ])
  const ring = annotations[0]?.rle
  expect(ring && [...decodeMask(ring).data]).toEqual([...data].map((value) => (value === 1 ? 1 : 0)))
  expect(annotations[0]?.polygons).toBeUndefined()
  // A value that is neither a class nor background is counted, and not read as a neighbouring class.
  expect(losses.list()).toEqual([
    { reason: 'annotation-of-unknown-class', count: 1, examples: ['mask.png: pixel value 7'] },
  ])
})

it('pitfall 46: a class can have the value 0, and 255 is ignored', () => {
  const losses = new LossCounter()
  const bytes = Buffer.from(encode({ width: 2, height: 1, channels: 1, depth: 8, data: Uint8Array.of(0, 255) }))
  const { annotations } = readClassMask(bytes, 'mask.png', { classes: new Map([[0, 4]]), losses })
  expect(annotations.map(({ classId, area }) => [classId, area])).toEqual([[4, 1]])
  expect(losses.list()).toEqual([])
})

it('pitfall 46: holes stay holes in YOLO', async () => {
  using dir = temporaryFolder()
  const { annotations } = readClassMask(mask, 'mask.png', { classes: new Map([[1, 0]]) })
  const { lost, text } = await writeYolo(dir.path, 'segmentation', [{ width: 9, height: 7, annotations }])
  expect(lost('hole-bridged')).toBe(1)
  expect(text('labels/train/0.txt').trim().split('\n')).toHaveLength(1)
})

it('pitfall 46: a mask without one class number for each pixel is refused with a reason', () => {
  const classes = new Map([[1, 0]])
  const rgb = Buffer.from(encode({ width: 2, height: 1, channels: 3, depth: 8, data: new Uint8Array(6) }))
  expect(() => readClassMask(rgb, 'mask.png', { classes })).toThrow('"mask.png" has 3 channels')
  expect(() => readClassMask(createJpeg({ width: 9, height: 7 }), 'mask.jpg', { classes })).toThrow('is a JPEG')
  expect(() => readClassMask(Buffer.from('x'), 'mask.png', { classes })).toThrow('it is not a PNG')
})
