import { expect, it } from 'vitest'
import { signedRingArea } from '../geometry/polygon.ts'
import { encodeMask, rasterizeRing, rleArea } from '../geometry/rle.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 14: a hole is joined by a seam with its points in reverse, and stays a hole', async () => {
  using dir = temporaryFolder()
  const data = new Uint8Array(100 * 50)
  for (let y = 10; y < 40; y++) for (let x = 20; x < 80; x++) data[y * 100 + x] = 1
  for (let y = 20; y < 30; y++) for (let x = 40; x < 60; x++) data[y * 100 + x] = 0
  const rle = encodeMask({ width: 100, height: 50, data })
  const written = await writeYolo(dir.path, 'segmentation', [{ annotations: [{ kind: 'mask', classId: 0, rle }] }])
  expect(written.lost('hole-bridged')).toBe(1)
  expect(written.lost('polygon-from-mask')).toBe(1)
  const { records } = await written.read()
  const ring = records[0]?.annotations[0]?.polygons?.[0] ?? []
  expect(signedRingArea(ring)).toBeCloseTo(60 * 30 - 20 * 10, 2)
  expect(rleArea(rasterizeRing(ring.map(Math.round), 100, 50))).toBe(1600)
  expect(rasterizeRing(ring.map(Math.round), 100, 50)).toEqual(rle)
})
