import type { Box } from '../geometry/box.ts'
import { maskToParts } from '../geometry/mask-parts.ts'
import { bridgeRings, orientParts } from '../geometry/polygon.ts'
import { type RunLengths, rasterizeRing, rleArea, rleBox } from '../geometry/rle.ts'

/** A mask with more runs is noise: its outline is not traced. */
const MAX_RUNS = 50_000

/** The connected parts of a mask. */
export function splitMask(rle: RunLengths): RunLengths[] {
  if (rle.counts.length > MAX_RUNS) return [rle]
  return maskToParts(rle).map((part) => rasterizeRing(bridgeRings(orientParts([part])), rle.width, rle.height))
}

/** The geometry of a mask: its area, its box where none is given, and its outlines unless it has holes. */
export function toMaskObject(
  rle: RunLengths,
  box?: Box,
): { kind: 'mask'; rle: RunLengths; area: number; polygons: number[][] | undefined; bbox: Box | undefined } {
  const parts = rle.counts.length > MAX_RUNS ? [] : maskToParts(rle)
  const isPlain = parts.length > 0 && parts.every(({ holes }) => holes.length === 0)
  return {
    kind: 'mask',
    rle,
    area: rleArea(rle),
    polygons: isPlain ? parts.map(({ outer }) => outer) : undefined,
    bbox: box ?? rleBox(rle),
  }
}
