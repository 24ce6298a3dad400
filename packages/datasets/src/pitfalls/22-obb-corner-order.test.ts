import { expect, it } from 'vitest'
import { isRectangle, rotatedBoxOfCorners } from '../geometry/obb.ts'
import { cornersOfRotatedBox } from '../testing/rotated-box.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 22: corners in any order and direction are written clockwise from the top-left one, without an angle', async () => {
  using dir = temporaryFolder()
  const corners = [
    [30, 10],
    [60, 20],
    [55, 35],
    [25, 25],
  ]
  const orders = [
    [0, 1, 2, 3],
    [1, 2, 3, 0],
    [3, 2, 1, 0],
    [2, 1, 0, 3],
    [0, 2, 1, 3],
  ]
  const { text } = await writeYolo(
    dir.path,
    'obb',
    orders.map((order) => ({
      annotations: [{ kind: 'obb', classId: 0, obb: order.flatMap((index) => corners[index] ?? []) }],
    })),
  )
  for (const index of orders.keys())
    expect(text(`labels/train/${index}.txt`)).toBe('0 0.3 0.2 0.6 0.4 0.55 0.7 0.25 0.5\n')
})

it('pitfall 22: a skewed quadrilateral becomes the smallest rectangle around it and is counted', async () => {
  using dir = temporaryFolder()
  const written = await writeYolo(dir.path, 'obb', [
    { annotations: [{ kind: 'obb', classId: 0, obb: [20, 10, 60, 14, 55, 35, 18, 30] }] },
  ])
  expect(written.lost('obb-refitted')).toBe(1)
  const { records } = await written.read()
  expect(isRectangle(records[0]?.annotations[0]?.obb ?? [])).toBe(true)
})

it('pitfall 22: angles near plus and minus 90 degrees give the same box after a round trip', async () => {
  using dir = temporaryFolder()
  const angles = [-90, -89.99, 89.99, 90, 90.01, 180, -180, 270]
  const written = await writeYolo(
    dir.path,
    'obb',
    angles.map((angle) => ({
      annotations: [
        { kind: 'obb', classId: 0, obb: cornersOfRotatedBox({ x: 50, y: 25, width: 30, height: 10, angle }) },
      ],
    })),
  )
  const { records } = await written.read()
  for (const [index, angle] of angles.entries()) {
    const found = rotatedBoxOfCorners(records[index]?.annotations[0]?.obb ?? [])
    expect(found.angle).toBeGreaterThan(-90)
    expect(found.angle).toBeLessThanOrEqual(90)
    expect(found.width * found.height).toBeCloseTo(300, 1)
    // The direction of the long side, whichever side is first.
    const long = found.width > found.height ? found.angle : found.angle + 90
    expect(Math.abs(Math.sin(((long - angle) * Math.PI) / 180))).toBeLessThan(1e-3)
  }
})
