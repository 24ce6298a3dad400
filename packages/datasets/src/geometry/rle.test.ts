import { readFileSync } from 'node:fs'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCounts } from '../testing/encode-counts.ts'
import { expectSameMasks, expectSamePixels, type Golden } from './golden.cases.ts'
import { decodeCounts, decodeMask, encodeMask, type Mask, mergeRles, parseRle, rasterizeRing } from './rle.ts'

const golden: Golden = JSON.parse(readFileSync(new URL('./fixtures/pycocotools-golden.json', import.meta.url), 'utf8'))

const anyMask: fc.Arbitrary<Mask> = fc
  .record({ width: fc.integer({ min: 1, max: 13 }), height: fc.integer({ min: 1, max: 11 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
      .map((data) => ({ width, height, data })),
  )

describe('run-length masks', () => {
  it('match those of pycocotools, with the same area and box', () => expectSameMasks(golden))

  it('have the pixels that pycocotools sets for polygons, also beyond the image', () => expectSamePixels(golden))

  it('keep every mask unchanged in a round trip, also compressed', () => {
    fc.assert(
      fc.property(anyMask, (mask) => {
        const rle = encodeMask(mask)
        expect(decodeMask(rle)).toEqual(mask)
        expect(decodeCounts(encodeCounts(rle.counts))).toEqual(rle.counts)
      }),
    )
  })

  it('can have runs of every size that an image can have', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 30 })), (counts) => {
        expect(decodeCounts(encodeCounts(counts))).toEqual(counts)
      }),
    )
  })

  it('are refused when they do not add up to their size or have invalid runs', () => {
    expect(() => parseRle({ size: [2, 3], counts: [1, 4] })).toThrow('add up to 5; expected 3 × 2 = 6 pixels')
    expect(() => parseRle({ size: [2, 3], counts: [7, -1] })).toThrow('a run of -1')
    expect(() => parseRle({ size: [0, 3], counts: [] })).toThrow('[0,3]')
    expect(() => parseRle({ size: [2, 3], counts: '1 2' })).toThrow('have " " at 1')
    expect(() => parseRle({ size: [2, 3], counts: 'oo' })).toThrow('have their end at 2')
    expect(() => parseRle({ size: [2, 3], counts: `${'o'.repeat(50)}0` })).toThrow(DatasetError)
    expect(() => rasterizeRing([0, 0, 1e12, 0, 0, 5], 10, 10)).toThrow('1000000000000')
  })

  it('merge into the union of their pixels, and only with the same size', () => {
    fc.assert(
      fc.property(anyMask, fc.integer({ min: 0, max: 1000 }), (mask, seed) => {
        const other = { ...mask, data: mask.data.map((_, index) => ((index * 7919 + seed) >> 3) & 1) }
        const both = { ...mask, data: mask.data.map((pixel, index) => pixel | (other.data[index] ?? 0)) }
        expect(mergeRles([encodeMask(mask), encodeMask(other)])).toEqual(encodeMask(both))
      }),
    )
    expect(() => mergeRles([rasterizeRing([], 2, 2), rasterizeRing([], 3, 2)])).toThrow('2 × 2 and 3 × 2')
  })
})
