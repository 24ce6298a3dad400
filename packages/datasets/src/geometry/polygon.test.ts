import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bridgeRings, cleanRing, clipRing, clipRingToConvex, reverseRing, ringArea, signedRingArea } from './polygon.ts'

const square = (x: number, y: number, size = 10) => [x, y, x + size, y, x + size, y + size, x, y + size]
const coordinate = fc.double({ min: -150, max: 250, noNaN: true })
const anyRing = fc
  .array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 12 })
  .map((points) => points.flat())

describe('rings', () => {
  it('have an area whose sign is their direction, also far from the origin', () => {
    expect(signedRingArea(square(0, 0))).toBe(100)
    expect(signedRingArea(reverseRing(square(0, 0)))).toBe(-100)
    expect(ringArea(square(1e8, 1e8))).toBe(100)
    expect(ringArea([1, 2, 3, 4])).toBe(0)
  })

  it('lose repeated points and the closing point', () => {
    expect(cleanRing([0, 0, 0, 0, 4, 0, 4, 4, 4, 4, 0, 0])).toEqual([0, 0, 4, 0, 4, 4])
    const clean = square(0, 0)
    expect(cleanRing(clean)).toBe(clean)
  })

  it.each([
    ['two points', [0, 0, 4, 4]],
    ['an odd count', [0, 0, 4, 0, 4, 4, 0]],
    ['points on a line', [0, 0, 1, 1, 2, 2]],
    ['one point many times', [1, 1, 1, 1, 1, 1]],
    ['a coordinate that is not a number', [0, 0, Number.NaN, 0, 4, 4]],
    ['an infinite coordinate', [0, 0, Number.POSITIVE_INFINITY, 0, 4, 4]],
  ])('of %s have no area', (_what, ring) => {
    expect(cleanRing(ring)).toBeUndefined()
  })

  it('are clipped to the image with new points where they cross its border', () => {
    expect(clipRing([-5, -5, 15, -5, 15, 5, -5, 5], 10, 20)).toEqual([0, 0, 10, 0, 10, 5, 0, 5])
    expect(clipRing([-5, -5, -1, -5, -1, 30], 10, 20)).toBeUndefined()
    const inside = square(0, 0)
    expect(clipRing(inside, 10, 20)).toBe(inside)
  })

  it('are inside of the image after clipping, are not larger, and do not change when they are clipped again', () => {
    fc.assert(
      fc.property(anyRing, (ring) => {
        const clipped = clipRing(ring, 100, 70)
        if (clipped === undefined) return
        for (let index = 0; index < clipped.length; index += 2) {
          expect(clipped[index]).toBeGreaterThanOrEqual(0)
          expect(clipped[index]).toBeLessThanOrEqual(100)
          expect(clipped[index + 1]).toBeGreaterThanOrEqual(0)
          expect(clipped[index + 1]).toBeLessThanOrEqual(70)
        }
        expect(clipRing(clipped, 100, 70)).toBe(clipped)
        expect(ringArea(clipped)).toBeLessThanOrEqual(100 * 70 * (1 + 1e-9))
      }),
    )
  })

  it('are clipped to a convex ring as to an image', () => {
    fc.assert(
      fc.property(anyRing, (ring) => {
        const byImage = clipRing(ring, 100, 70)
        const byRing = clipRingToConvex(ring, [0, 0, 100, 0, 100, 70, 0, 70])
        expect(ringArea(byRing)).toBeCloseTo(byImage === undefined ? 0 : ringArea(byImage), 6)
      }),
    )
  })

  it('of several parts join into one of the same area, by the shortest seams and not in the order of the list', () => {
    const joined = bridgeRings([square(0, 0), square(40, 0), square(20, 0)])
    expect(ringArea(joined)).toBe(300)
    let longest = 0
    for (let index = 0; index < joined.length; index += 2) {
      const next = (index + 2) % joined.length
      const length = Math.hypot(
        (joined[index] ?? 0) - (joined[next] ?? 0),
        (joined[index + 1] ?? 0) - (joined[next + 1] ?? 0),
      )
      longest = Math.max(longest, length)
    }
    expect(longest).toBe(10)
  })

  it('of a thousand parts join without overflowing the stack', () => {
    const parts = Array.from({ length: 1000 }, (_, index) => square(index * 20, 0))
    expect(ringArea(bridgeRings(parts))).toBe(100_000)
  })
})
