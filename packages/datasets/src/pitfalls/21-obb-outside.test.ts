import { expect, it } from 'vitest'
import { isRectangle } from '../geometry/obb.ts'
import { cornersOfRotatedBox } from '../testing/rotated-box.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 21: a rotated box that extends beyond the image is refitted to a rectangle inside of it, not clamped corner by corner', async () => {
  using dir = temporaryFolder()
  const boxes = [0, 10, 30, 45, 60, 89, 120, 170].map((angle) => ({ x: 5, y: 25, width: 40, height: 16, angle }))
  const written = await writeYolo(dir.path, 'obb', [
    { annotations: boxes.map((box) => ({ kind: 'obb', classId: 0, obb: cornersOfRotatedBox(box) })) },
  ])
  expect(written.lost('obb-clipped')).toBe(boxes.length)
  const { records } = await written.read({ task: 'obb' })
  expect(records[0]?.annotations).toHaveLength(boxes.length)
  for (const { obb = [] } of records[0]?.annotations ?? []) {
    expect(isRectangle(obb)).toBe(true)
    for (const [index, value] of obb.entries()) {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(index % 2 === 0 ? 100 : 50)
    }
  }
})

it('pitfall 21: a rotated box that is mostly outside of the image is dropped and counted', async () => {
  using dir = temporaryFolder()
  const corner = cornersOfRotatedBox({ x: -10, y: -10, width: 60, height: 10, angle: -45 })
  const { text, lost } = await writeYolo(dir.path, 'obb', [
    { annotations: [{ kind: 'obb', classId: 0, obb: corner.map((value) => value - 1) }] },
  ])
  expect(text('labels/train/0.txt')).toBe('')
  expect(lost('annotation-outside-image')).toBe(1)
})
