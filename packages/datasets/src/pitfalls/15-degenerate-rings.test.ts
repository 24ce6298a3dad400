import { expect, it } from 'vitest'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

it.each([
  ['two points', [10, 10, 20, 20]],
  ['four numbers that look like a box', [10, 10, 20, 20]],
  ['an odd count of coordinates', [10, 10, 20, 10, 20, 20, 10]],
  ['points on a line', [10, 10, 20, 20, 30, 30]],
  ['one point many times', [10, 10, 10, 10, 10, 10, 10, 10]],
  ['NaN', [10, 10, Number.NaN, 10, 20, 20]],
])('pitfall 15: an outline of %s is counted, and the box is used instead', async (_what, ring) => {
  using dir = temporaryFolder()
  const { text, lost } = await writeYolo(dir.path, 'segmentation', [
    {
      annotations: [
        { kind: 'polygon', classId: 0, bbox: [10, 10, 20, 10], polygons: [ring] },
        { kind: 'polygon', classId: 1, polygons: [ring, [50, 10, 60, 10, 60, 20]] },
      ],
    },
  ])
  expect(text('labels/train/0.txt')).toBe('0 0.1 0.2 0.3 0.2 0.3 0.4 0.1 0.4\n1 0.5 0.2 0.6 0.2 0.6 0.4\n')
  expect(lost('polygon-degenerate')).toBe(2)
  expect(lost('polygon-from-box')).toBe(1)
})

it('pitfall 15: a closing point that repeats the first one is removed', async () => {
  using dir = temporaryFolder()
  const { text, lost } = await writeYolo(dir.path, 'segmentation', [
    { annotations: [{ kind: 'polygon', classId: 0, polygons: [[50, 10, 60, 10, 60, 10, 60, 20, 50, 10]] }] },
  ])
  expect(text('labels/train/0.txt')).toBe('0 0.5 0.2 0.6 0.2 0.6 0.4\n')
  expect(lost('polygon-degenerate')).toBe(0)
})

it('pitfall 15: an outline that rounding turns into a line is dropped and counted', async () => {
  using dir = temporaryFolder()
  const { text, lost } = await writeYolo(dir.path, 'segmentation', [
    { annotations: [{ kind: 'polygon', classId: 0, polygons: [[0, 1, 100, 1, 100, 1.00004, 0, 1.00004]] }] },
  ])
  expect(text('labels/train/0.txt')).toBe('')
  expect(lost('annotation-too-small')).toBe(1)
})
