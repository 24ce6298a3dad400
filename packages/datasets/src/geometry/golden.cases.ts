import { expect } from 'vitest'
import { encodeCounts } from '../testing/encode-counts.ts'
import { decodeMask, encodeMask, parseRle, rasterizeRings, rleArea, rleBox } from './rle.ts'

interface GoldenRle {
  size: [height: number, width: number]
  counts: string
  area: number
  box: number[]
}

/** The output of `fixtures/make-pycocotools-golden.py`. */
export interface Golden {
  masks: (GoldenRle & { rows: string[] })[]
  polygons: (GoldenRle & { rings: number[][] })[]
}

export function expectSameMasks({ masks }: Golden): void {
  expect(masks.length).toBeGreaterThan(0)
  for (const { rows, size, counts, area, box } of masks) {
    const mask = { width: size[1], height: size[0], data: Uint8Array.from(rows.join(''), Number) }
    const rle = encodeMask(mask)
    expect(encodeCounts(rle.counts)).toBe(counts)
    expect(decodeMask(parseRle({ size, counts }))).toEqual(mask)
    expect(rleArea(rle)).toBe(area)
    expect(rleBox(rle) ?? [0, 0, 0, 0]).toEqual(box)
  }
}

export function expectSamePixels({ polygons }: Golden): void {
  expect(polygons.length).toBeGreaterThan(0)
  for (const { rings, size, counts } of polygons) {
    const rle = rasterizeRings(rings, size[1], size[0])
    expect({ rings, counts: encodeCounts(rle.counts) }).toEqual({ rings, counts })
  }
}
