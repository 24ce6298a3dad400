import { expect, it } from 'vitest'
import { rasterizeRing, rasterizeRings } from '../geometry/rle.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

const square = (x: number, size: number) => [x, 10, x + size, 10, x + size, 10 + size, x, 10 + size]
// The order in the file is left, right, middle: a seam from left to right would run across the middle.
const polygons = [square(0, 10), square(80, 20), square(40, 10)]
const records = [{ annotations: [{ kind: 'polygon' as const, classId: 0, polygons }] }]

it('pitfall 13: parts are joined by the shortest seams into one row that covers the same pixels', async () => {
  using dir = temporaryFolder()
  const written = await writeYolo(dir.path, 'segmentation', records)
  expect(written.text('labels/train/0.txt').split('\n')).toHaveLength(2)
  expect(written.lost('polygon-bridged')).toBe(1)
  const read = await written.read()
  const ring = read.records[0]?.annotations[0]?.polygons?.[0] ?? []
  expect(rasterizeRing(ring, 100, 50)).toEqual(rasterizeRings(polygons, 100, 50))
  for (let index = 2; index < ring.length; index += 2) {
    expect(Math.abs((ring[index] ?? 0) - (ring[index - 2] ?? 0))).toBeLessThan(31)
  }
})

it('pitfall 13: each part becomes a row on request, which is counted because it changes the number of objects', async () => {
  using dir = temporaryFolder()
  const { text, lost, report } = await writeYolo(dir.path, 'segmentation', records, { options: { multiPart: 'split' } })
  expect(text('labels/train/0.txt').trim().split('\n')).toHaveLength(3)
  expect(lost('polygon-split')).toBe(1)
  expect(report.build({ from: 'coco', to: 'yolo', taskType: 'segmentation', target: '' }, []).annotations).toBe(3)
})

it('pitfall 13: only the largest part is kept on request, and the others are counted', async () => {
  using dir = temporaryFolder()
  const { text, lost } = await writeYolo(dir.path, 'segmentation', records, { options: { multiPart: 'largest' } })
  expect(text('labels/train/0.txt')).toBe('0 0.8 0.2 1 0.2 1 0.6 0.8 0.6\n')
  expect(lost('polygon-part-dropped')).toBe(2)
})
