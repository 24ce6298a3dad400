import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maskToParts } from './mask-parts.ts'
import { bridgeRings, orientParts } from './polygon.ts'
import { encodeMask, type Mask, mergeRles, rasterizeRing, rasterizeRings } from './rle.ts'

const anyMask: fc.Arbitrary<Mask> = fc
  .record({ width: fc.integer({ min: 1, max: 13 }), height: fc.integer({ min: 1, max: 11 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
      .map((data) => ({ width, height, data })),
  )

describe('outlines of a mask', () => {
  it('give the same pixels when they are rasterised, with holes', () => {
    fc.assert(
      fc.property(anyMask, (mask) => {
        const rle = encodeMask(mask)
        const parts = maskToParts(rle)
        const drawn = parts.map((part) => rasterizeRing(bridgeRings(orientParts([part])), mask.width, mask.height))
        expect(parts.length === 0 ? rasterizeRings([], mask.width, mask.height) : mergeRles(drawn)).toEqual(rle)
      }),
      { numRuns: 300 },
    )
  })

  it('give the same pixels when they are joined into one ring', () => {
    fc.assert(
      fc.property(anyMask, (mask) => {
        const rle = encodeMask(mask)
        const ring = bridgeRings(orientParts(maskToParts(rle)))
        expect(rasterizeRing(ring, mask.width, mask.height)).toEqual(rle)
      }),
      { numRuns: 300 },
    )
  })

  it('assign a hole to the part around it, not to the island in it', () => {
    const rows = ['11111', '10001', '10101', '10001', '11111']
    const rle = encodeMask({ width: 5, height: 5, data: Uint8Array.from(rows.join(''), Number) })
    expect(maskToParts(rle)).toEqual([
      { outer: [0, 0, 5, 0, 5, 5, 0, 5], holes: [[1, 1, 1, 4, 4, 4, 4, 1]] },
      { outer: [2, 2, 3, 2, 3, 3, 2, 3], holes: [] },
    ])
  })
})
