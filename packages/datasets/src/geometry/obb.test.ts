import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cornersOfRotatedBox } from '../testing/rotated-box.ts'
import {
  clipObb,
  convexHull,
  isRectangle,
  minAreaRect,
  orderCorners,
  rectify,
  rotatedBoxOfCorners,
  wrapAngle,
} from './obb.ts'
import { ringArea, signedRingArea } from './polygon.ts'

const anyBox = fc.record({
  x: fc.double({ min: -20, max: 120, noNaN: true }),
  y: fc.double({ min: -20, max: 90, noNaN: true }),
  width: fc.double({ min: 1, max: 80, noNaN: true }),
  height: fc.double({ min: 1, max: 80, noNaN: true }),
  angle: fc.double({ min: -360, max: 360, noNaN: true }),
})

describe('rotated boxes', () => {
  it('have a hull without the points inside and on its sides', () => {
    const hull = convexHull([0, 0, 5, 0, 10, 0, 10, 10, 0, 10, 5, 5, 0, 0])
    expect(hull).toEqual([0, 0, 10, 0, 10, 10, 0, 10])
  })

  it('are the smallest rectangle around their own corners', () => {
    fc.assert(
      fc.property(anyBox, (box) => {
        const corners = cornersOfRotatedBox(box)
        const found = minAreaRect(corners) ?? []
        expect(found).toHaveLength(8)
        expect(ringArea(found)).toBeCloseTo(box.width * box.height, 6)
        for (const [index, value] of found.entries()) {
          // A square fits in two ways that only differ by rounding, with the same set of corners.
          const same = corners.filter((_, at) => at % 2 === index % 2).some((other) => Math.abs(other - value) < 1e-5)
          expect(same).toBe(true)
        }
      }),
    )
  })

  it('have corners clockwise from the top-left one, whatever the order of the input', () => {
    const expected = [2, 1, 8, 3, 7, 6, 1, 4]
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 3, 0, 1],
      [1, 3, 0, 2],
    ]) {
      const shuffled = order.flatMap((corner) => expected.slice(corner * 2, corner * 2 + 2))
      expect(orderCorners(shuffled)).toEqual(expected)
    }
    expect(signedRingArea(expected)).toBeGreaterThan(0)
    // On its tip, two corners are equally close to the top left: the upper one is first.
    expect(orderCorners([5, 0, 10, 5, 5, 10, 0, 5])).toEqual([5, 0, 10, 5, 5, 10, 0, 5])
  })

  it('have one angle, above -90 and up to 90 degrees', () => {
    expect([-90, 90, 91, 180, 270, -91, 450].map(wrapAngle)).toEqual([90, 90, -89, 0, 90, 89, 90])
    for (const angle of [-90, -89.9, -45, 0, 44.9, 45, 89.9, 90, 180]) {
      const box = rotatedBoxOfCorners(cornersOfRotatedBox({ x: 50, y: 40, width: 30, height: 10, angle }))
      expect(box.x).toBeCloseTo(50)
      expect(box.width * box.height).toBeCloseTo(300)
      const back = box.width > box.height ? box.angle : wrapAngle(box.angle + 90)
      expect(wrapAngle(back - angle + 45)).toBeCloseTo(45)
    }
  })

  it('become rectangles when their corners are skewed', () => {
    expect(rectify([0, 0, 10, 0, 10, 5, 0, 5])).toEqual({ corners: [0, 0, 10, 0, 10, 5, 0, 5], isRefitted: false })
    const skewed = rectify([0, 0, 10, 1, 9, 6, 0, 5])
    expect(skewed?.isRefitted).toBe(true)
    expect(isRectangle(skewed?.corners ?? [])).toBe(true)
    expect(rectify([0, 0, 1, 1, 2, 2, 3, 3])).toBeUndefined()
    expect(rectify([0, 0, 1, 1, 2, 2])).toBeUndefined()
    expect(rectify([0, 0, 1, 0, Number.NaN, 1, 0, 1])).toBeUndefined()
  })

  it('become rectangles inside of the image that cover most of the visible part when they are clipped', () => {
    fc.assert(
      fc.property(anyBox, (box) => {
        const clipped = clipObb(cornersOfRotatedBox(box), 100, 70)
        if (clipped === undefined) return
        expect(isRectangle(clipped.corners, 1e-3)).toBe(true)
        for (const [index, value] of clipped.corners.entries()) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(index % 2 === 0 ? 100 : 70)
        }
        const visible = clipped.visibility * box.width * box.height
        if (visible > 1) expect(ringArea(clipped.corners)).toBeGreaterThan(visible * 0.4)
      }),
      { numRuns: 500 },
    )
  })
})
